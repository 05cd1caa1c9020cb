// Package kueue holds nothing: its go.mod pins Kueue, a queue for Jobs, with
// which KayCI is tested. `image kueue` builds it.
package kueue

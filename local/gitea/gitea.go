// Package gitea holds nothing: its go.mod pins Gitea, a git host, with which KayCI
// is tested. `kayci-local gitea` builds it.
package gitea

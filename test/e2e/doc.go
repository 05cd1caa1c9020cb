// Package e2e tests KayCI as people use it: installed with its chart in a real
// cluster, with real pods, real git repositories and signed webhooks. Each test
// has a namespace of its own and waits for conditions, never for time.
package e2e

// Package gitlfs holds nothing: its go.mod pins Git LFS, a program of git's, which
// `kayci checkout` runs. `kayci-local git-lfs` builds it.
package gitlfs

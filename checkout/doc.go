// Package checkout fetches a commit into a folder with the git program, as the first
// step of a job does.
//
// Neither the host nor what it sends is trusted, nor what other steps have left in the
// folder: git reads no configuration but its own here, runs no hook, and is given
// credentials for one host alone. They come from files that only this step has.
package checkout

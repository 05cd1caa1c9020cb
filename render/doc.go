// Package render turns the files of a commit into Pipelines and Triggers.
//
// The files are not trusted. They are read through os.Root, so that nothing
// outside the commit can be imported, and evaluated in a child process, because
// jsonnet can be neither interrupted nor kept from exhausting memory or stack.
// The child only turns files into JSON. What it says is decoded strictly and
// validated here, as if it came from a stranger.
package render

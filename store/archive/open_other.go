//go:build !unix

package archive

import "os"

// Jobs' files are packed on Linux. Here no more is known of what is opened than that it is
// below the root, and then that a file is the one that was found.
const (
	openFolder = os.O_RDONLY
	openFile   = os.O_RDONLY
)

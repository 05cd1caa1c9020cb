// Package logs keeps what containers print, in parts that are whole as soon as they can
// be read, and reads it back.
//
// A part holds lines with their stamps as the node gave them, compressed by gzip. It is
// named by its first line and put only if no other has that name: of two processes that
// keep the same log one goes on behind the other. A part says in its header how many
// lines it has, so that what comes behind is known without the parts before it.
package logs

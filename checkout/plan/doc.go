// Package plan decides how a source is checked out: which URLs, commits and refs are
// taken, which commands of git bring them, and what a failure of git means. It is pure.
package plan

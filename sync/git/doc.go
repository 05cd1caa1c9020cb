// Package git fetches one commit of a configuration repository over https,
// http, ssh or git.
//
// The server is not trusted: bytes, objects, files, depth and time are bounded,
// and a server that falls silent is left at the context's deadline. Credentials
// are sent to the host of the URL alone and never become part of an error.
package git

package web

import (
	"path"
	"strings"
)

// shownAs is the type that a browser shows a file of a build as, by the end of its name.
// Blank: it is saved. A page of a build comes without its scripts and without the files
// beside it: see [secure.ForeignPage].
func shownAs(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".html", ".htm":
		return "text/html; charset=utf-8"
	case ".txt", ".log", ".out", ".md", ".csv", ".json", ".xml", ".yaml", ".yml", ".patch", ".diff":
		return "text/plain; charset=utf-8"
	case ".png":
		return "image/png"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".gif":
		return "image/gif"
	case ".webp":
		return "image/webp"
	case ".svg":
		return "image/svg+xml"
	default:
		return ""
	}
}

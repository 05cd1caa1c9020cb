package web

import (
	"net/http"
	"path"
	"strings"

	"github.com/kayci/kayci/store/serve"
	"github.com/kayci/kayci/web/secure"
)

// show has a browser show a file of a build, if that is asked for and it can, or else save
// it. With no file it is all of an artifact, as a tar of this name.
func show(w http.ResponseWriter, tar, file string, asked bool) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if kind := shownAs(file); asked && kind != "" {
		secure.ForeignPage(w)
		h.Set("Content-Type", kind)
		return
	}
	saved, kind := tar, "application/x-tar"
	if file != "" {
		saved, kind = path.Base(file), "application/octet-stream"
	}
	secure.Foreign(w)
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", serve.Attachment(saved))
}

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

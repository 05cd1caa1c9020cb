package git

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"
)

// foreign is text of a server or of a commit, in the arguments of an error.
type foreign string

// maxSentence bounds what is shown of a server's own words.
const maxSentence = 200

// saidError is a refusal with the server's own words for it.
type saidError struct {
	error
	said string
}

func (e saidError) Unwrap() error { return e.error }

// sentence returns a server's own words in an answer that is an error: the first
// line of a text, or the message of a JSON object. Pages are for browsers. The
// body can be read again.
func sentence(resp *http.Response) string {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	resp.Body = limitedBody{bytes.NewReader(body), resp.Body}
	if err != nil {
		return ""
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	text := strings.TrimSpace(string(body))
	switch {
	case strings.Contains(kind, "html"), strings.HasPrefix(text, "<"):
		return ""
	case strings.HasPrefix(text, "{"):
		var object struct {
			Message string `json:"message"`
			Error   any    `json:"error"`
		}
		if json.Unmarshal(body, &object) != nil {
			return ""
		}
		text = object.Message
		if word, ok := object.Error.(string); ok && text == "" {
			text = word
		}
	}
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	return strings.ToValidUTF8(text, "?")
}

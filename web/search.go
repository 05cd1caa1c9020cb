package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/kayci/kayci/runs/logs"
)

// Bounds of a search: how long it looks, how many lines it finds, and how many bytes of
// each it shows.
const (
	searchFor  = 2 * time.Second
	searchHits = 1000
	searchText = 1 << 10
	searchTerm = 1 << 10
)

// hit is a line that a search has found.
type hit struct {
	Line int64  `json:"line"`
	Text string `json:"text"`
}

// found is the answer to a search.
type found struct {
	Hits []hit `json:"hits"`
	// Searched is the last line that was looked at, and Partial says that there may be
	// more hits: there are many, or the time was over.
	Searched int64 `json:"searched"`
	Partial  bool  `json:"partial"`
}

// errEnoughFound ends a search.
var errEnoughFound = errors.New("there are enough hits")

// search answers with the lines of a container's log that have a text in them, or that
// match a regular expression.
func (s *server) search(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	matches, err := matcher(query.Get("q"), query.Get("regexp") == "1")
	if err != nil {
		return err
	}
	most := searchHits
	if limit, err := strconv.Atoi(query.Get("limit")); err == nil && limit > 0 {
		most = min(limit, searchHits)
	}
	c, err := s.container(r.Context(), r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), searchFor)
	defer cancel()
	answer := found{Hits: []hit{}}
	_, err = s.pods().Read(ctx, c, logs.Options{}, func(line *logs.Line) error {
		answer.Searched = line.Number
		if !matches(line.Text) {
			return nil
		}
		if len(answer.Hits) == most {
			return errEnoughFound
		}
		answer.Hits = append(answer.Hits, hit{line.Number, string(bytes.ToValidUTF8(line.Text[:min(len(line.Text), searchText)], []byte("\ufffd")))})
		return nil
	})
	if errors.Is(err, errEnoughFound) || err != nil && ctx.Err() != nil {
		answer.Partial = true
	} else if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	return json.NewEncoder(w).Encode(answer)
}

// matcher looks for a text without regard to case, or for an expression.
func matcher(term string, expression bool) (func([]byte) bool, error) {
	switch {
	case term == "" || len(term) > searchTerm:
		return nil, &problem{Status: http.StatusBadRequest, Title: "Not understood", Text: "q takes what to search for, of at most " + strconv.Itoa(searchTerm) + " bytes."}
	case !expression:
		term = "(?i)" + regexp.QuoteMeta(strings.TrimRight(term, "\r\n"))
	}
	compiled, err := regexp.Compile(term)
	if err != nil {
		return nil, &problem{Status: http.StatusBadRequest, Title: "Not understood", Text: "That is no regular expression: " + err.Error() + "."}
	}
	return compiled.Match, nil
}

package web

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/web/secure"
	"github.com/kayci/kayci/web/viewer"
)

// logBuffer is how much of a log is written at once, unless no more has arrived.
const logBuffer = 32 << 10

// log answers with a container's log as text. How the reading has ended is known at its
// end: programs find it in the trailers, and a script, which can't read those, asks for
// frames.
func (s *server) log(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	options, err := logOptions(query)
	if err != nil {
		return err
	}
	c, err := s.container(r.Context(), r)
	if err != nil {
		return err
	}
	out := &logWriter{
		w: bufio.NewWriterSize(w, logBuffer), control: http.NewResponseController(w),
		frames: query.Get("frames") == "1", stamps: query.Get("timestamps") == "1",
	}
	h := w.Header()
	logHeaders(w, query.Get("download") == "1", fmt.Sprintf("%s-%s-%s.log", r.PathValue("run"), c.Job, c.Name))
	h.Set("KayCI-Log-Source", "pod")
	h.Set("Trailer", "KayCI-Log-Lines, KayCI-Log-Complete, KayCI-Log-Missing")
	end, err := s.pods().Read(r.Context(), c, options, out.line)
	if err != nil && expired(r.Context()) {
		err = viewer.ErrExpired
	}
	if err != nil && !out.begun {
		// What is answered now is no log, and not to be saved as one.
		for _, name := range []string{"Trailer", "Content-Disposition", "KayCI-Log-Source"} {
			h.Del(name)
		}
		return err
	}
	if err != nil {
		// The text has begun: the status can't say any more that it isn't whole.
		end.Complete, end.Missing = false, append(end.Missing, s.explain(r, err).Text)
	}
	h.Set("KayCI-Log-Lines", strconv.FormatInt(end.Lines, 10))
	h.Set("KayCI-Log-Complete", strconv.FormatBool(end.Complete))
	for _, what := range end.Missing {
		h.Add("KayCI-Log-Missing", what)
	}
	// Who is gone isn't told how it ended.
	_ = out.end(&end)
	return nil
}

// logHeaders have browsers take a log for text, whatever is in it.
func logHeaders(w http.ResponseWriter, download bool, name string) {
	secure.Foreign(w)
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	if download {
		h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name))
	}
}

func logOptions(query url.Values) (logs.Options, error) {
	options := logs.Options{Follow: query.Get("follow") == "1"}
	for name, set := range map[string]func(int64){
		"from": func(n int64) { options.From = n },
		"to":   func(n int64) { options.To = n },
		"tail": func(n int64) { options.Tail = &n },
	} {
		text := query.Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return options, &problem{Status: http.StatusBadRequest, Title: "Not understood", Text: fmt.Sprintf("%s takes a number of lines, and not %q.", name, text)}
		}
		set(n)
	}
	if since := query.Get("since"); since != "" {
		at, err := time.Parse(time.RFC3339Nano, since)
		if err != nil {
			return options, &problem{Status: http.StatusBadRequest, Title: "Not understood", Text: fmt.Sprintf("since takes a time as 2006-01-02T15:04:05Z, and not %q.", since)}
		}
		options.Since = at
	}
	return options, nil
}

// logWriter writes lines as they come, and at once if no more has arrived.
type logWriter struct {
	w       *bufio.Writer
	control *http.ResponseController
	// frames begins each line with a sign: what a container has printed is behind it,
	// so that it can't be taken for anything else.
	frames, stamps bool
	begun, inside  bool
}

// The signs that begin the lines of a framed log.
const (
	// frameLine is followed by the line's number, a space, its time, a space, its text.
	frameLine = 'L'
	// frameEnd is followed by a JSON object, and is the last one.
	frameEnd = 'E'
)

func (l *logWriter) line(line *logs.Line) error {
	l.begun = true
	switch {
	case l.frames:
		begin := strconv.AppendInt(append(l.w.AvailableBuffer(), frameLine), line.Number, 10)
		begin = append(append(begin, ' '), line.Stamp...)
		_, _ = l.w.Write(append(begin, ' '))
	case l.stamps && !l.inside && len(line.Stamp) > 0:
		_, _ = l.w.Write(line.Stamp)
		_ = l.w.WriteByte(' ')
	}
	_, _ = l.w.Write(line.Text)
	if line.Cut > 0 {
		fmt.Fprintf(l.w, " … %d bytes more", line.Cut)
	}
	if l.inside = line.More; !line.More {
		_ = l.w.WriteByte('\n')
	}
	if !line.Idle {
		return nil
	}
	return l.flush()
}

func (l *logWriter) flush() error {
	if err := l.w.Flush(); err != nil {
		return err
	}
	return l.control.Flush()
}

// logEnd is what a framed log ends with.
type logEnd struct {
	Lines    int64    `json:"lines"`
	Complete bool     `json:"complete"`
	Missing  []string `json:"missing,omitempty"`
	ExitCode *int32   `json:"exitCode,omitempty"`
	Reason   string   `json:"reason,omitempty"`
}

func (l *logWriter) end(end *logs.End) error {
	if l.frames {
		told := logEnd{Lines: end.Lines, Complete: end.Complete, Missing: end.Missing, Reason: end.State.Reason}
		if !end.State.Ended.IsZero() {
			told.ExitCode = &end.State.ExitCode
		}
		text, err := json.Marshal(told)
		if err != nil {
			return err
		}
		fmt.Fprintf(l.w, "%c%s\n", frameEnd, text)
	}
	return l.flush()
}

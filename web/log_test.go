package web

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/runs/logs"
)

// TestLinesOfALogAllocateNothing: who follows a log costs the same memory whatever is
// printed.
func TestLinesOfALogAllocateNothing(t *testing.T) {
	line := &logs.Line{Number: 1000, Stamp: []byte("2026-03-01T10:59:00.000000000Z"), Text: bytes.Repeat([]byte("x"), 100)}
	for _, out := range []*logWriter{{frames: true}, {stamps: true}, {}} {
		answer := httptest.NewRecorder()
		answer.Body = nil
		out.w, out.control = bufio.NewWriterSize(answer, logBuffer), http.NewResponseController(answer)
		if got := testing.AllocsPerRun(1000, func() {
			if err := out.line(line); err != nil {
				t.Fatal(err)
			}
		}); got > 0 {
			t.Errorf("a line allocates %v times, with frames %t, with times %t", got, out.frames, out.stamps)
		}
	}
}

// TestFramesAreWhole: also those that a piece of the buffer is left for.
func TestFramesAreWhole(t *testing.T) {
	t.Parallel()
	answer := httptest.NewRecorder()
	out := &logWriter{w: bufio.NewWriterSize(answer, 16), control: http.NewResponseController(answer), frames: true}
	want := ""
	for n := range int64(40) {
		want += fmt.Sprintf("L%d 12:00 text\n", n)
		if err := out.line(&logs.Line{Number: n, Stamp: []byte("12:00"), Text: []byte("text"), Idle: n%7 == 0}); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.flush(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, answer.Body.String()); diff != "" {
		t.Errorf("frames (-want +got):\n%s", diff)
	}
}

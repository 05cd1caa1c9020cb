package webhook

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

const (
	// A client that sends nothing for pauseTimeout is given up, and so is one that
	// takes longer in all than readTimeout and a second for each bodyRate bytes.
	pauseTimeout = 5 * time.Second
	readTimeout  = 15 * time.Second
	bodyRate     = 1 << 20
)

// read returns the request's body, which takes room until release is called: what
// has arrived takes some, and what may arrive takes none.
func (s *Server) read(w http.ResponseWriter, r *http.Request) (content []byte, release func(), err error) {
	control := http.NewResponseController(w)
	// Only a real connection has deadlines; what a test hands over ends by itself.
	end := func() { _ = control.SetReadDeadline(time.Unix(1, 0)) }
	arriving := s.room.enter(networkOf(r.RemoteAddr), groupOf(r), end)
	from := &steady{body: http.MaxBytesReader(w, r.Body, s.opts.MaxBytes), control: control, patience: s.opts.Patience, began: time.Now()}
	content, err = s.fill(r.Context(), arriving, from)
	if err == nil {
		err = arriving.complete()
	}
	if err != nil {
		// What else arrives is not waited for.
		end()
	} else {
		_ = control.SetReadDeadline(time.Time{})
	}
	return content, arriving.leave, err
}

func (s *Server) fill(ctx context.Context, arriving *body, from *steady) ([]byte, error) {
	var content []byte
	for {
		if len(content) == cap(content) {
			more := min(max(int64(len(content)), leastRoom), s.opts.MaxBytes+leastRoom-int64(len(content)))
			if err := from.wait(ctx, arriving, more); err != nil {
				return nil, err
			}
			larger := make([]byte, len(content), int64(len(content))+more)
			copy(larger, content)
			content = larger
		}
		n, err := from.read(content[len(content):cap(content)])
		content = content[:len(content)+n]
		arriving.arrived()
		switch {
		// Unlike io.ReadFull this tells the end of a body from one that was cut off.
		case errors.Is(err, io.EOF):
			return content, nil
		case err != nil:
			return nil, err
		}
	}
}

// steady reads a body whose sender has to go on. How long it waits for room
// doesn't count.
type steady struct {
	body    io.Reader
	control *http.ResponseController
	// patience is how long it waits for room in all, and waited how long it has.
	patience time.Duration
	began    time.Time
	waited   time.Duration
	arrived  int64
}

func (s *steady) read(into []byte) (int, error) {
	now := time.Now()
	due := s.began.Add(s.waited + readTimeout + time.Duration(s.arrived)*time.Second/bodyRate)
	if pause := now.Add(pauseTimeout); pause.Before(due) {
		due = pause
	}
	_ = s.control.SetReadDeadline(due)
	n, err := s.body.Read(into)
	s.arrived += int64(n)
	return n, err
}

// wait for room, all in all no longer than a request may.
func (s *steady) wait(ctx context.Context, arriving *body, size int64) error {
	begin := time.Now()
	waiting, cancel := context.WithDeadline(ctx, begin.Add(s.patience-s.waited))
	defer cancel()
	defer func() { s.waited += time.Since(begin) }()
	return arriving.take(waiting, size)
}

// networkOf the sender, as far as it is known: a proxy's own, since what a header
// says anybody can write. Whoever has one IPv6 address has a whole network of them.
func networkOf(remote string) string {
	host, _, _ := net.SplitHostPort(remote)
	address, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	bits := 32
	if address = address.Unmap(); address.Is6() {
		bits = 64
	}
	network, _ := address.WithZone("").Prefix(bits)
	return network.String()
}

// groupOf a request is the namespace that it names. All that name none are one.
func groupOf(r *http.Request) string {
	if target := targetOf(r); nameable(target.ObjectKey) {
		return target.Namespace
	}
	return ""
}

// unreadable is the answer to a request whose body could not be read.
func unreadable(err error) *refusal {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return oversized(tooLarge.Limit)
	}
	if errors.Is(err, errNoRoom) || errors.Is(err, errEvicted) {
		return busy()
	}
	return malformed(errors.New("the body could not be read to its end"))
}

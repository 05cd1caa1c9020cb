package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// stream is upload-pack over a connection of our own, for ssh and git. go-git has
// these transports, but dials without a context, reads ssh_config and the proxy
// variables, and leaves a silent server's connection open.
type stream struct {
	in  io.WriteCloser
	out io.Reader
	// closers are closed in order. conn is what they talk over.
	closers []io.Closer
	conn    net.Conn
	// words are what the server says beside the protocol, complete once wait has
	// returned. Both are nil for git.
	words  *words
	wait   func() error
	packed bool
}

// goodbye is how long a server may take to be told that it isn't needed any more.
const goodbye = 2 * time.Second

func openGit(ctx context.Context, to target, dial Dial, req Request) (session, error) {
	conn, err := dial(ctx, "tcp", to.address("9418"))
	if err != nil {
		return nil, err
	}
	s := &stream{
		in:      conn,
		out:     &limitedReader{conn, req.Limits.PackBytes + maxAdvertised},
		closers: []io.Closer{conn},
		conn:    conn,
	}
	request := packp.GitProtoRequest{RequestCommand: transport.UploadPackServiceName, Pathname: to.url.Path, Host: to.url.Host}
	if err := request.Encode(conn); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// AdvertisedReferencesContext implements session.
func (s *stream) AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error) {
	refs := packp.NewAdvRefs()
	list := beginning{limit: maxErrorBody}
	err := refs.Decode(io.TeeReader(s.out, &list))
	var line *pktline.ErrorLine
	switch {
	case isSHA256(list):
		return nil, errSHA256
	case errors.As(err, &line) && isNotFound(line.Text):
		return nil, transport.ErrRepositoryNotFound
	case errors.Is(err, packp.ErrEmptyAdvRefs), err == nil && refs.IsEmpty():
		return nil, transport.ErrEmptyRemoteRepository
	case err != nil:
		return nil, s.explain(err)
	}
	return refs, nil
}

// isNotFound knows the words of git's daemon, which has no code for this.
func isNotFound(text string) bool {
	return strings.Contains(text, "access denied or repository not exported") || strings.Contains(text, "no such repository")
}

// UploadPack implements session.
func (s *stream) UploadPack(_ context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	s.packed = true
	var request bytes.Buffer
	if err := req.UploadRequest.Encode(&request); err != nil {
		return nil, err
	}
	if err := req.UploadHaves.Encode(&request, false); err != nil {
		return nil, err
	}
	if err := pktline.NewEncoder(&request).EncodeString("done\n"); err != nil {
		return nil, err
	}
	if _, err := s.in.Write(request.Bytes()); err != nil {
		return nil, s.explain(err)
	}
	response := packp.NewUploadPackResponse(req)
	if err := response.Decode(io.NopCloser(s.out)); err != nil {
		return nil, s.explain(err)
	}
	return response, nil
}

// Close says goodbye to a server that still waits for a request.
func (s *stream) Close() error {
	_ = s.conn.SetDeadline(time.Now().Add(goodbye))
	if !s.packed {
		_, _ = s.in.Write(pktline.FlushPkt)
	}
	var errs []error
	for _, c := range s.closers {
		if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrDeadlineExceeded) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// explain adds the first line that the server's program wrote to stderr, if it
// has ended: only then is the line known to be there.
func (s *stream) explain(err error) error {
	ended := errors.Is(err, packp.ErrEmptyInput) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if s.wait == nil || !ended {
		return err
	}
	_ = s.wait()
	said := s.words.firstLine()
	if strings.Contains(said, "does not appear to be a git repository") {
		return transport.ErrRepositoryNotFound
	}
	if said == "" {
		return err
	}
	return fmt.Errorf("%w: the server says: %s", err, said)
}

// words keeps the beginning of what is written to it from another goroutine.
type words struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (w *words) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if room := 4096 - w.buf.Len(); room > 0 {
		w.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (w *words) firstLine() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	line, _ := bufio.NewReader(bytes.NewReader(w.buf.Bytes())).ReadString('\n')
	return strings.TrimSpace(line)
}

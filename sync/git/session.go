package git

import (
	"context"
	"io"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
)

// session is one conversation with a server's upload-pack. Every method ends at
// the context that the session was opened with.
type session interface {
	AdvertisedReferencesContext(ctx context.Context) (*packp.AdvRefs, error)
	UploadPack(ctx context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error)
	Close() error
}

// maxAdvertised bounds the list of references that a server may send.
const maxAdvertised = 16 << 20

// open starts a conversation, by the request's proxy if it has one: neither the
// environment nor files in a home folder are read.
func open(ctx context.Context, req Request, report reporter) (session, target, error) {
	to, err := parseTarget(req.URL, report)
	if err != nil {
		return nil, to, err
	}
	if cert, key := req.Auth["tls.crt"], req.Auth["tls.key"]; len(cert)+len(key) > 0 {
		switch {
		case to.url.Scheme != "https":
			return nil, to, report.fail(ReasonInvalidSecret, "the Secret has tls.crt or tls.key, which are for https alone")
		case len(cert) == 0 || len(key) == 0:
			return nil, to, report.fail(ReasonInvalidSecret, "the Secret needs both of tls.crt and tls.key")
		}
	}
	doing := "connect to " + to.String()
	proxy, err := req.proxyOf(to)
	if err != nil {
		return nil, to, report.fail(ReasonFetchFailed, "%s: %v", doing, err)
	}
	dial := bound(ctx, req.Dial)
	// A web server is asked through the proxy itself, which sees it all anyway.
	if proxy != nil && to.url.Scheme != "http" {
		dial, proxy = through(proxy, dial, report), nil
	}
	var s session
	switch to.url.Scheme {
	case "ssh":
		s, err = openSSH(ctx, to, dial, req, report)
	case "git":
		s, err = openGit(ctx, to, dial, req)
	default:
		s, err = openHTTP(to, dial, proxy, req, report)
	}
	if err != nil {
		return nil, to, report.wrap(ctx, doing, err)
	}
	return s, to, nil
}

// limitedReader fails once more than n bytes were read, instead of ending: an
// end would pass for that of the data.
type limitedReader struct {
	io.Reader
	n int64
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.n <= 0 {
		return 0, errTooLarge
	}
	n, err := l.Reader.Read(p[:min(int64(len(p)), l.n)])
	l.n -= int64(n)
	return n, err
}

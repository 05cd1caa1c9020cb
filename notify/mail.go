package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/url"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail"

	"github.com/kayci/kayci/api/names"
)

// maxRecipients of one address.
const maxRecipients = 50

// mailbox sends messages by a mail server that the address names, with who sends
// and who receives in its query. The password only ever goes over TLS.
type mailbox struct {
	host               string
	port               int
	implicit, starttls bool
	username, password string
	from               *netmail.Address
	to                 []*netmail.Address
	tls                *tls.Config
}

func newMailbox(address *url.URL, roots *x509.CertPool) (*mailbox, error) {
	box := &mailbox{
		host:     address.Hostname(),
		implicit: address.Scheme == "smtps",
		tls:      &tls.Config{MinVersion: tls.VersionTLS12, ServerName: address.Hostname(), RootCAs: roots},
	}
	if address.Path != "" && address.Path != "/" {
		return nil, errors.New("an e-mail address is smtps://user:password@host:port?from=…&to=…, without a path")
	}
	if err := box.readPort(address.Port()); err != nil {
		return nil, err
	}
	query, err := url.ParseQuery(address.RawQuery)
	if err != nil {
		return nil, errors.New("the address's query, from=…&to=…, can't be read")
	}
	if err := box.readQuery(query); err != nil {
		return nil, err
	}
	if address.User == nil {
		return box, nil
	}
	box.username = address.User.Username()
	box.password, _ = address.User.Password()
	if box.username == "" || box.password == "" {
		return nil, errors.New("the address holds a user without a password, or a password without a user")
	}
	if !box.implicit && !box.starttls {
		return nil, errors.New("the address holds a password, which tls=none would send in the clear")
	}
	return box, nil
}

// readPort has the ports of mail submission as defaults: 465 with TLS from the
// start, else 587.
func (b *mailbox) readPort(port string) error {
	b.port = 587
	if b.implicit {
		b.port = 465
	}
	if port == "" {
		return nil
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return errors.New("the address's port is not a number from 1 to 65535")
	}
	b.port = int(number)
	return nil
}

func (b *mailbox) readQuery(query url.Values) error {
	for key := range query {
		if key != "from" && key != "to" && key != "tls" {
			return errors.New("the address's query holds something else than from, to and tls")
		}
	}
	switch {
	case !query.Has("tls"):
		b.starttls = !b.implicit
	case b.implicit || query.Get("tls") != "none":
		return errors.New("the address's tls takes none, and that with smtp:// only")
	}
	from, err := netmail.ParseAddress(query.Get("from"))
	if err != nil {
		return errors.New("the address's from=… is no e-mail address")
	}
	b.from = from
	for _, text := range query["to"] {
		to, err := netmail.ParseAddressList(text)
		if err != nil {
			return errors.New("the address's to=… is no e-mail address (in a query, + is written %2B)")
		}
		b.to = append(b.to, to...)
	}
	if len(b.to) == 0 || len(b.to) > maxRecipients {
		return fmt.Errorf("the address has %d recipients in to=…: 1 to %d can be had", len(b.to), maxRecipients)
	}
	return nil
}

func (b *mailbox) send(ctx context.Context, m Message) error {
	client, err := b.client(ctx)
	if err != nil {
		return &failure{text: "the address's mail server can't be used"}
	}
	letter := b.letter(m)
	err = client.DialAndSendWithContext(ctx, letter)
	if err == nil || letter.IsDelivered() {
		// Whatever went wrong while parting doesn't matter.
		return nil
	}
	if ctx.Err() != nil {
		return connectionFailure(ctx.Err(), "")
	}
	var refused *mail.SendError
	if !errors.As(err, &refused) {
		return connectionFailure(err, "the server offers no STARTTLS, no sign-in that fits, or is no mail server")
	}
	if refused.ErrorCode() == 0 {
		return &failure{text: "the connection broke in the middle", transient: true}
	}
	switch refused.Reason {
	case mail.ErrSMTPMailFrom:
		return refusal("the mail server refused the sender", refused.ErrorCode())
	case mail.ErrSMTPRcptTo:
		return refusal("the mail server refused a recipient", refused.ErrorCode())
	default:
		return refusal("the mail server refused the message", refused.ErrorCode())
	}
}

// client is of one attempt: when ctx ends, so does its connection, in whatever
// state the conversation is.
func (b *mailbox) client(ctx context.Context) (*mail.Client, error) {
	options := []mail.Option{
		mail.WithPort(b.port),
		mail.WithTimeout(attemptTimeout),
		mail.WithTLSConfig(b.tls),
		mail.WithTLSPolicy(mail.NoTLS),
		mail.WithDialContextFunc(func(dialing context.Context, network, _ string) (net.Conn, error) {
			connection, err := b.dial(dialing, network)
			if err == nil {
				context.AfterFunc(ctx, func() { connection.Close() })
			}
			return connection, err
		}),
	}
	if b.starttls {
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if b.username != "" {
		options = append(options, mail.WithOpportunisticSMTPAuth(mail.SMTPAuthPlain, mail.SMTPAuthLogin),
			mail.WithUsername(b.username), mail.WithPassword(b.password))
	}
	return mail.NewClient(b.host, options...)
}

func (b *mailbox) dial(ctx context.Context, network string) (net.Conn, error) {
	address := net.JoinHostPort(b.host, strconv.Itoa(b.port))
	if b.implicit {
		return (&tls.Dialer{Config: b.tls}).DialContext(ctx, network, address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// letter has the same Message-ID at every attempt, so that mailboxes can drop a
// copy. Auto-Submitted keeps out-of-office replies from coming back.
func (b *mailbox) letter(m Message) *mail.Msg {
	letter := mail.NewMsg(mail.WithNoDefaultUserAgent())
	letter.FromMailAddress(b.from)
	letter.ToMailAddress(b.to...)
	letter.Subject(line(m.Title, maxTitle))
	letter.SetDate()
	letter.SetMessageIDWithValue(b.messageID(m))
	letter.SetGenHeader("Auto-Submitted", "auto-generated")
	letter.SetUserAgent("KayCI")
	letter.SetBodyString(mail.TypeTextPlain, strings.Join(m.lines(), "\n")+"\n")
	return letter
}

func (b *mailbox) messageID(m Message) string {
	parts := []string{m.Namespace, m.Run, string(m.Phase), m.Title}
	for _, to := range b.to {
		parts = append(parts, to.Address)
	}
	return names.Hash(parts...) + b.from.Address[strings.LastIndex(b.from.Address, "@"):]
}

package webhook

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// delivery is an event of a request, as one provider's Triggers understand it.
type delivery struct {
	provider v1alpha1.Provider
	// request is what the sender calls the request, and id what tells the event from
	// all others: the same, where the request has no other event.
	request, id string
	// digest of the request's body.
	digest string
	event  *event.Event
	body   *document
	// wrong is why the Trigger can make no events of the request.
	wrong error
	// asks is what the request's deliveries ask of git hosts.
	asks *inquiry
}

// understand reads the body once for each provider among the receivers, before
// anything is done about any of them.
func (s *Server) understand(ctx context.Context, receivers []receiver, from received) (deliveries, error) {
	found := deliveries{}
	for _, one := range receivers {
		name, _ := one.sender()
		if _, ok := found[name]; ok {
			continue
		}
		read, err := readDelivery(ctx, s.memory, name, from)
		if err != nil {
			found.release()
			return nil, err
		}
		found[name] = read
	}
	return found, nil
}

// deliveries are a request's events as each provider's Triggers understand them: one,
// but for a push of several refs and its like.
type deliveries map[v1alpha1.Provider][]delivery

// release gives back the memory of what was decoded.
func (d deliveries) release() {
	for _, all := range d {
		// They share the body.
		all[0].body.release()
	}
}

func readDelivery(ctx context.Context, memory *memory, name v1alpha1.Provider, from received) ([]delivery, error) {
	provider, _ := providerOf(name)
	d := delivery{provider: name, request: provider.delivery(from.header, from.body), digest: digestOf(from.body), body: &document{memory: memory}}
	// A form is decoded in steps that each make a copy.
	err := memory.within(ctx, formWeight*int64(len(from.body)), func() (err error) {
		d.body.raw, err = provider.payload(from.header, from.body)
		return err
	})
	if err != nil {
		return nil, err
	}
	if d.body.weight, err = expr.Weigh(d.body.raw); err != nil {
		return nil, err
	}
	var events []*event.Event
	err = memory.within(ctx, d.body.weight+parseWeight*int64(len(d.body.raw)), func() (err error) {
		if err = isObject(d.body.raw); err == nil {
			events, err = event.Parse(name, provider.event(from.header), d.body.raw)
		}
		return err
	})
	all := make([]delivery, 0, len(events))
	for _, one := range events {
		d.event, d.id = one, d.request
		if one.Part != "" {
			d.id = tidyID(d.request + "/" + one.Part)
		}
		all = append(all, d)
	}
	return all, err
}

func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// How many times its size reading a body takes, beside what its values weigh.
const (
	formWeight  = 4
	parseWeight = 4
)

// isObject returns an error unless the text is a JSON object.
func isObject(raw []byte) error {
	// Into nothing: all of it is looked at, and none of it kept.
	err := json.Unmarshal(raw, &struct{}{})
	if _, syntax := errors.AsType[*json.SyntaxError](err); syntax {
		return fmt.Errorf("decode JSON: %w", err)
	}
	if err != nil || bytes.TrimLeft(raw, " \t\r\n")[0] != '{' {
		return errors.New("the body is JSON, but not an object")
	}
	return nil
}

// document is a delivery's JSON. It is decoded when something asks for it, since
// decoded it takes many times its size and most Triggers need none of it. It is
// for one goroutine.
type document struct {
	raw    []byte
	weight int64
	memory *memory

	asked, taken bool
	value        any
	err          error
}

// decoded is a document that takes no memory of its own: it is part of another.
func decoded(value any) *document { return &document{asked: true, value: value} }

// lazily returns a function that gives expressions the decoded JSON, and nothing
// where it can't be decoded; and one that says, after it was called, why that was:
// what the expressions have made of nothing doesn't count then.
func (p *document) lazily(ctx context.Context) (get func() any, failed func() error) {
	asked := false
	get = func() any {
		asked = true
		return p.decoded(ctx)
	}
	failed = func() error {
		if !asked {
			return nil
		}
		return p.err
	}
	return get, failed
}

func (p *document) decoded(ctx context.Context) any {
	if p.asked {
		return p.value
	}
	p.asked = true
	if p.err = p.memory.take(ctx, p.weight); p.err != nil {
		return nil
	}
	p.taken = true
	if p.value, p.err = expr.DecodeJSON(p.raw); p.err != nil {
		p.err = fault.New("", p.err.Error())
	}
	return p.value
}

func (p *document) release() {
	if p.taken {
		p.memory.release(p.weight)
	}
}

package webhook

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// readPatience is longer than anything waits for memory that nobody else takes.
const readPatience = time.Minute

// Read is a request as a provider's Triggers understand it: the events and the decoded
// JSON. It doesn't ask who has sent it, and is for requests that start nothing.
func Read(provider v1alpha1.Provider, header http.Header, body []byte) ([]*event.Event, any, error) {
	deliveries, err := readDelivery(context.Background(), newMemory(readPatience), provider, received{header, body})
	if err != nil {
		return nil, nil, err
	}
	events := make([]*event.Event, 0, len(deliveries))
	for i := range deliveries {
		events = append(events, deliveries[i].event)
	}
	decoded, err := expr.DecodeJSON(deliveries[0].body.raw)
	return events, decoded, err
}

// HostsOf are the git hosts whose headers name an event.
func HostsOf(header http.Header) []v1alpha1.Provider {
	return slices.DeleteFunc(v1alpha1.Providers(), func(name v1alpha1.Provider) bool {
		provider, known := providerOf(name)
		return !known || provider.event(header) == ""
	})
}

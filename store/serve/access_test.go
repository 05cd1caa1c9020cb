package serve

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/clock"
)

// slowly is an API server that takes no token, and its time to say so.
type slowly struct {
	Reviewer

	now, all atomic.Int64
}

func (s *slowly) User(context.Context, *Caller) (string, error) {
	s.all.Add(1)
	s.now.Add(1)
	defer s.now.Add(-1)
	<-time.After(time.Second)
	return "", apierrors.NewUnauthorized("no")
}

// TestBadTokens: however many tokens are shown, the API server is asked about few at once,
// and who gives up isn't asked about.
func TestBadTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := &slowly{}
		a := newAccess(api, clock.RealClock{})
		ctx, stop := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer stop()
		for i := range 10 * asking {
			go func() {
				header := http.Header{"Authorization": {fmt.Sprintf("Bearer %d", i)}}
				if _, err := a.check(ctx, header, "ns", mayRuns()); err == nil {
					t.Errorf("token %d is taken", i)
				}
			}()
		}
		synctest.Wait()
		if n := api.now.Load(); n != asking {
			t.Errorf("asked about %d at once, want %d", n, asking)
		}
		<-time.After(time.Minute)
		synctest.Wait()
		if n := api.all.Load(); n != 3*asking {
			t.Errorf("asked about %d in all, want %d", n, 3*asking)
		}
	})
}

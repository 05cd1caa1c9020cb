package places

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestPlacesAreGivenByNamespaceInTurn has one namespace wait with many before
// another comes with one.
func TestPlacesAreGivenByNamespaceInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(1, false)
		_, release, err := p.Take(t.Context(), "a", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		var served []string
		wait := func(ctx context.Context, namespace string) {
			go func() {
				_, release, err := p.Take(ctx, namespace, time.Hour)
				if err != nil {
					served = append(served, namespace+": "+err.Error())
					return
				}
				served = append(served, namespace)
				release()
			}()
			synctest.Wait()
		}
		leaving, leave := context.WithCancel(t.Context())
		wait(leaving, "c")
		for _, namespace := range []string{"a", "a", "a", "b"} {
			wait(t.Context(), namespace)
		}
		leave()
		synctest.Wait()
		release()
		release() // as a deferred call may
		synctest.Wait()
		if diff := cmp.Diff([]string{"c: context canceled", "a", "b", "a", "a"}, served); diff != "" {
			t.Error(diff)
		}
		if len(p.held)+len(p.waiting)+len(p.turns) > 0 {
			t.Errorf("left behind: %v %v %v", p.held, p.waiting, p.turns)
		}
	})
}

// servedAt has another wait for a place, and returns when it had one.
func servedAt(ctx context.Context, p *Places, began time.Time) <-chan time.Duration {
	at := make(chan time.Duration, 1)
	go func() {
		_, release, err := p.Take(ctx, "b", 5*time.Second)
		at <- time.Since(began)
		if err == nil {
			release()
		}
	}()
	return at
}

// TestWhoTakesLongIsStopped when somebody waits, and not before.
func TestWhoTakesLongIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, began := New(1, false), time.Now()
		within, release, err := p.Take(t.Context(), "a", 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(3 * time.Second)
		second := servedAt(t.Context(), p, began)
		<-within.Done()
		if at := time.Since(began); at != 5*time.Second || !errors.Is(context.Cause(within), ErrOvertaken) {
			t.Errorf("stopped after %s: %v", at, context.Cause(within))
		}
		release()
		if got := <-second; got != 5*time.Second {
			t.Errorf("the other had its place after %s", got)
		}
	})
}

// TestLentPlace: who takes long goes on, and its place is another's.
func TestLentPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, began := New(1, true), time.Now()
		within, release, err := p.Take(t.Context(), "a", 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		if got := <-servedAt(t.Context(), p, began); got != 5*time.Second {
			t.Errorf("the other had its place after %s", got)
		}
		if within.Err() != nil {
			t.Errorf("the first was stopped: %v", within.Err())
		}
	})
}

// TestAloneThereIsTime: nobody is stopped for nothing.
func TestAloneThereIsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(1, false)
		within, release, err := p.Take(t.Context(), "a", 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		<-time.After(time.Hour)
		if within.Err() != nil {
			t.Errorf("stopped although nobody waits: %v", context.Cause(within))
		}
		go func() {
			if _, release, err := p.Take(t.Context(), "a", 5*time.Second); err == nil {
				release()
			}
		}()
		synctest.Wait()
		if !errors.Is(context.Cause(within), ErrOvertaken) {
			t.Errorf("not stopped when another came: %v", within.Err())
		}
	})
}

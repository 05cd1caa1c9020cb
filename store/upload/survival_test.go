package upload_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/bucket"
	"github.com/kayci/kayci/test/jobpod"
)

// kill has each request of a bucket fail from one on, before or after it is done.
func kill(m *bucket.Memory, from int64, after bool) *atomic.Bool {
	var count atomic.Int64
	killed := &atomic.Bool{}
	dead := func(string) error {
		if killed.Load() {
			return errors.New("killed")
		}
		return nil
	}
	fail := func(request string) error {
		if count.Add(1) >= from {
			killed.Store(true)
		}
		return dead(request)
	}
	if m.Before, m.After = fail, nil; after {
		m.Before, m.After = dead, fail
	}
	return killed
}

// saving is how something is saved, and read again. Read returns nothing if there is none.
type saving struct {
	save func() error
	read func() (map[string]string, error)
}

// survives has the store be killed between any two requests to its bucket: nothing
// half-written can be read, nothing that wasn't stored is acknowledged, and another
// attempt succeeds.
func survives(t *testing.T, text map[string]string, prepare func() (*world, saving)) {
	t.Helper()
	for _, after := range []bool{false, true} {
		for from := int64(1); ; from++ {
			w, s := prepare()
			killed := kill(w.bucket, from, after)
			err := s.save()
			if !killed.Load() {
				if err != nil || from < 6 {
					t.Errorf("after %d requests: %v", from-1, err)
				}
				break
			}
			if err == nil {
				t.Errorf("killed at request %d: acknowledged all the same", from)
			}
			w.bucket.Heal()
			if err := s.goOn(text); err != nil {
				t.Errorf("killed at request %d: %v", from, err)
			}
		}
	}
}

// goOn tries again after the store was killed.
func (s *saving) goOn(text map[string]string) error {
	got, err := s.read()
	if err == nil && got != nil && cmp.Diff(text, got) != "" {
		err = errors.New("other files are read than were sent")
	}
	if err != nil {
		return err
	}
	if err := s.save(); err != nil {
		return fmt.Errorf("tried again: %w", err)
	}
	got, err = s.read()
	if err == nil && cmp.Diff(text, got) != "" {
		err = errors.New("other files are read than were sent")
	}
	if err != nil {
		return fmt.Errorf("tried again: %w", err)
	}
	return nil
}

func TestArtifactSurvivesTheStore(t *testing.T) {
	t.Parallel()
	text := map[string]string{"a": noise(9 << 20), "b": "c"}
	source := folder(t, text)
	survives(t, text, func() (*world, saving) {
		run := jobpod.Run("one", nil, running("build"), running("deploy"))
		build, deploy := jobpod.New(run, "build", "build-x"), jobpod.New(run, "deploy", "deploy-x")
		w := newWorld(t, build, deploy)
		w.end(t.Context(), t, build, v1alpha1.JobSucceeded)
		return w, saving{
			save: func() error {
				_, err := w.client(build, giveUp).SaveArtifact(t.Context(), source, "dist", []string{"**"})
				return err
			},
			read: func() (map[string]string, error) {
				into := folder(t, nil)
				_, err := w.client(deploy, giveUp).FetchArtifact(t.Context(), into, "build", "dist")
				if err != nil && strings.HasSuffix(err.Error(), "job build has left no artifact dist") {
					return nil, nil
				}
				return files(t, into), err
			},
		}
	})
}

func TestCacheSurvivesTheStore(t *testing.T) {
	t.Parallel()
	text := map[string]string{"a": noise(9 << 20), "b": "c"}
	source := folder(t, text)
	survives(t, text, func() (*world, saving) {
		p := jobpod.New(jobpod.Run("one", nil, running("build")), "build", "build-x")
		w := newWorld(t, p)
		return w, saving{
			save: func() error {
				_, err := w.client(p, giveUp).SaveCache(t.Context(), source, "go-1", []string{"**"})
				return err
			},
			read: func() (map[string]string, error) {
				into := folder(t, nil)
				hit, err := w.client(p, giveUp).RestoreCache(t.Context(), into, "go-1", nil)
				if hit == "" {
					return nil, err
				}
				return files(t, into), err
			},
		}
	})
}

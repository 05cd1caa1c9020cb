package fault_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kayci/kayci/controllers/fault"
)

func TestOf(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	caused := &fault.Error{Reason: "InvalidSpec", Message: "no jobs", Cause: broken}
	type owned struct {
		Fault *fault.Error
		Wait  *fault.WaitError
		Is    bool
		Text  string
	}
	for name, tc := range map[string]struct {
		err  error
		want owned
	}{
		"a fault":           {fault.New("InvalidSpec", "no jobs"), owned{&fault.Error{Reason: "InvalidSpec", Message: "no jobs"}, nil, true, "InvalidSpec: no jobs"}},
		"without a reason":  {fault.New("", "no jobs"), owned{&fault.Error{Message: "no jobs"}, nil, true, "no jobs"}},
		"with a cause":      {caused, owned{caused, nil, true, "InvalidSpec: no jobs"}},
		"a wrapped fault":   {fmt.Errorf("start: %w", caused), owned{caused, nil, true, "start: InvalidSpec: no jobs"}},
		"a wait":            {fault.NewWait("Quota", "no room", time.Minute), owned{nil, &fault.WaitError{Reason: "Quota", Message: "no room", After: time.Minute}, false, "Quota: no room"}},
		"a wrapped wait":    {fmt.Errorf("pin: %w", fault.NewWait("Quota", "full", 0)), owned{nil, &fault.WaitError{Reason: "Quota", Message: "full"}, false, "pin: Quota: full"}},
		"a fault ends both": {errors.Join(fault.NewWait("Quota", "full", 0), caused), owned{caused, nil, true, "Quota: full\nInvalidSpec: no jobs"}},
		"the world's":       {broken, owned{Text: "broken"}},
		"none":              {nil, owned{Text: "<nil>"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, w := fault.Of(tc.err)
			got := owned{f, w, fault.Is(tc.err), fmt.Sprint(tc.err)}
			if diff := cmp.Diff(tc.want, got, cmpopts.IgnoreFields(fault.Error{}, "Cause")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if !errors.Is(fmt.Errorf("start: %w", caused), broken) {
		t.Error("the cause isn't found")
	}
}

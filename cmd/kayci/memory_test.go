package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kayci/kayci/render"
)

func TestGoMemory(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for name, tt := range map[string]struct{ container, children, want int64 }{
		"no limit":                {0, 512 * mib, 0},
		"none that makes sense":   {-1, 512 * mib, 0},
		"one byte":                {1, 512 * mib, 0},
		"less than a child takes": {256 * mib, 512 * mib, 64 * mib},
		"what a child takes":      {512 * mib, 512 * mib, 128 * mib},
		"little more":             {600 * mib, 512 * mib, 150 * mib},
		"the chart's":             {1024 * mib, 512 * mib, 512*mib - 512*mib/10},
		"plenty":                  {10_752 * mib, 512 * mib, 9216 * mib},
		"as much as there can be": {math.MaxInt64, 512 * mib, math.MaxInt64 - 512*mib - (math.MaxInt64-512*mib)/10},
		"no child":                {512 * mib, 0, 512*mib - 512*mib/10},
	} {
		if got := goMemory(tt.container, tt.children); got != tt.want {
			t.Errorf("%s: %d of %d bytes, want %d", name, got, tt.container, tt.want)
		}
	}
}

func TestGarbage(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for name, tt := range map[string]struct {
		inUse uint64
		want  int
	}{
		"nothing yet":             {0, 1_000},
		"as a process starts":     {3 * mib, 1_000},
		"48 MiB of garbage":       {12 * mib, 400},
		"as much as is in use":    {48 * mib, 100},
		"half of what is in use":  {96 * mib, 50},
		"no less than half of it": {2048 * mib, 50},
		"no end":                  {math.MaxUint64, 50},
	} {
		if got := controllerGarbage().beside(tt.inUse); got != tt.want {
			t.Errorf("%s: %d percent of %d bytes, want %d", name, got, tt.inUse, tt.want)
		}
	}
}

func TestAfterEachCollection(t *testing.T) {
	t.Parallel()
	called := make(chan struct{})
	afterEachCollection(func() {
		select {
		case called <- struct{}{}:
		case <-t.Context().Done():
		}
	})
	// The next sentinel is set after the call: a collection may come too early for it.
	for range 2 {
		for waiting := true; waiting; {
			runtime.GC()
			select {
			case <-called:
				waiting = false
			default:
			}
		}
	}
}

// The percentage is the process's: this test doesn't run beside others.
func TestWhoSetsGOGC(t *testing.T) {
	before := debug.SetGCPercent(321)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	t.Setenv(envGoPercent, "321")
	paceGarbage(controllerGarbage())
	if got := debug.SetGCPercent(before); got != 321 {
		t.Errorf("%d percent, want those of GOGC", got)
	}
}

// The limit is the process's: these tests don't run beside others.
func TestMemoryLimitOfTheController(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	for name, tt := range map[string]struct {
		variable, flag string
		want           int64
	}{
		"neither":      {want: before},
		"the flag":     {flag: "2Gi", want: 1449551463},
		"in bytes":     {flag: "2147483648", want: 1449551463},
		"the variable": {variable: "700MiB", flag: "2Gi", want: before},
		"off":          {variable: "off", flag: "2Gi", want: before},
		"no limit":     {flag: "0", want: before},
	} {
		t.Run(name, func(t *testing.T) {
			debug.SetMemoryLimit(before)
			t.Setenv(envGoMemory, tt.variable)
			flag, ok := newControllerCommand().Flags().Lookup("memory-limit").Value.(*resource.QuantityValue)
			if !ok {
				t.Fatal("the flag is no quantity")
			}
			if tt.flag != "" {
				if err := flag.Set(tt.flag); err != nil {
					t.Fatal(err)
				}
			}
			limitMemory(flag.Value(), render.DefaultMemory)
			if got := debug.SetMemoryLimit(-1); got != tt.want {
				t.Errorf("the limit is %d bytes, want %d", got, tt.want)
			}
		})
	}
}

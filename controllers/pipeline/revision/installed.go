package revision

import (
	"context"
	"fmt"
	stdsync "sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/run/job/defaults"
)

// Installed are the defaults of the installation, from the ConfigMap that it
// names. nil: it names none.
type Installed struct {
	// Reader has the ConfigMap at hand: it is asked for each Run that starts.
	Reader client.Reader
	// Key names the ConfigMap.
	Key types.NamespacedName

	mu stdsync.Mutex
	// version is the one that parsed and fault were made from. It saves work.
	version string
	parsed  *defaults.Defaults
	fault   error
}

// gather bounds a look at the cache.
const gather = 5 * time.Second

// missing is no ConfigMap's version.
const missing = "missing"

// String names the ConfigMap.
func (i *Installed) String() string { return "ConfigMap " + i.Key.String() }

// Valid is 1 if the defaults can be used, and otherwise 0.
func (i *Installed) Valid() float64 {
	ctx, cancel := context.WithTimeout(context.Background(), gather)
	defer cancel()
	if _, err := i.Get(ctx); err != nil {
		return 0
	}
	return 1
}

// Get returns the defaults as they are now. A ConfigMap that is missing or at
// fault is a fault.Error, which the log has once.
func (i *Installed) Get(ctx context.Context) (*defaults.Defaults, error) {
	if i == nil {
		return nil, nil //nolint:nilnil // No defaults are a usual answer and no error.
	}
	var found corev1.ConfigMap
	err := i.Reader.Get(ctx, i.Key, &found)
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("get %s: %w", i, err)
	}
	version := missing
	if err == nil {
		version = string(found.UID) + " " + found.ResourceVersion
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if version == i.version {
		return i.parsed, i.fault
	}
	i.version, i.parsed, i.fault = version, nil, nil
	if version == missing {
		i.fault = fault.New(v1alpha1.ReasonInvalidJobDefaults, "there is no "+i.String())
	} else if i.parsed, err = defaults.Parse(found.Data); err != nil {
		i.fault = fault.New(v1alpha1.ReasonInvalidJobDefaults, fmt.Sprintf("%s: %v", i, err))
	}
	if i.fault != nil {
		log.FromContext(ctx).Error(i.fault, "no Run can start: the defaults for jobs are at fault")
	}
	return i.parsed, i.fault
}

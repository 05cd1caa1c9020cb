package lean_test

import (
	"encoding/json"
	"runtime"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/lean"
	"github.com/kayci/kayci/controllers/pipeline"
	"github.com/kayci/kayci/controllers/pipeline/history"
	"github.com/kayci/kayci/controllers/run"
)

// index is the cache's of one kind, as client-go and controller-runtime keep it.
func index(by map[string]client.IndexerFunc) toolscache.Indexer {
	indexers := toolscache.Indexers{toolscache.NamespaceIndex: toolscache.MetaNamespaceIndexFunc}
	for name, of := range by {
		indexers["field:"+name] = func(obj any) ([]string, error) {
			object, _ := lean.Whole(obj).(client.Object)
			var keys []string
			for _, value := range of(object) {
				keys = append(keys, object.GetNamespace()+"/"+value, "__all_namespaces/"+value)
			}
			return keys, nil
		}
	}
	return toolscache.NewIndexer(toolscache.MetaNamespaceKeyFunc, indexers)
}

// BenchmarkFinishedRun tells how many bytes of memory a finished Run of three jobs
// costs that is kept, with its Jobs and pods, their indexes and what is known of it.
func BenchmarkFinishedRun(b *testing.B) {
	const runs = 2000
	for b.Loop() {
		b.StopTimer()
		var transform lean.Cache
		var known history.Runs
		kept := map[string]toolscache.Indexer{
			"runs": index(map[string]client.IndexerFunc{v1alpha1.CompletionTimeField: run.ActiveRun}),
			"jobs": index(map[string]client.IndexerFunc{"run": pipeline.RunOf, "lock": run.LockOf}),
			"pods": index(map[string]client.IndexerFunc{"run": run.RunOfPod, "lock": run.LockOf}),
		}
		before := heap()
		b.StartTimer()
		for i := range runs {
			r := decoded(b, finishedRun(i), &v1alpha1.Run{})
			put(b, kept["runs"], transform.Run, r)
			known.Put(r)
			for k := range jobs {
				put(b, kept["jobs"], transform.Job, decoded(b, finishedJob(i, k), &batchv1.Job{}))
				put(b, kept["pods"], transform.Pod, decoded(b, finishedPod(i, k), &corev1.Pod{}))
			}
		}
		b.ReportMetric(float64(heap()-before)/runs, "B/Run")
		runtime.KeepAlive(kept)
		runtime.KeepAlive(&known)
		runtime.KeepAlive(&transform)
	}
}

func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func put(tb testing.TB, into toolscache.Indexer, transform toolscache.TransformFunc, obj any) {
	tb.Helper()
	kept, err := transform(obj)
	if err == nil {
		err = into.Add(lean.Pack(kept))
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// decoded is the object as a watch brings it: each with texts of its own.
func decoded[T any](tb testing.TB, from any, into *T) *T {
	tb.Helper()
	var err error
	if proto, is := from.(interface{ Marshal() ([]byte, error) }); is {
		var data []byte
		if data, err = proto.Marshal(); err == nil {
			to, _ := any(into).(interface{ Unmarshal(data []byte) error })
			err = to.Unmarshal(data)
		}
	} else {
		var data []byte
		if data, err = json.Marshal(from); err == nil {
			err = json.Unmarshal(data, into)
		}
	}
	if err != nil {
		tb.Fatal(err)
	}
	return into
}

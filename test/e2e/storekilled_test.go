package e2e

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

// TestStoreThatIsKilled: whatever a store keeps everything in, and wherever it is killed
// meanwhile, what Runs leave behind is whole when they are gone. Not parallel: other tests
// read from the store.
func TestStoreThatIsKilled(t *testing.T) {
	for _, tt := range []struct {
		name string
		open func(*testing.T, *space) *backend
	}{
		{"folder", func(t *testing.T, _ *space) *backend { t.Helper(); return folderBackend(t) }},
		{"bucket", s3Backend},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSpace(t)
			program.ready(t)
			k := &killed{space: s, began: time.Now()}
			k.in = tt.open(t, s)
			k.leave(t)
			k.say(t, "all is stored")
			k.removeAll(t)
			k.say(t, "all is gone")
			k.expectLogs(t)
			k.expectRest(t)
			k.in.expectWhole(t, s.namespace)
			s.expectNoSecrets(t, bucketAccessKey, bucketSecretKey, hookToken)
		})
	}
}

// killed are Runs that leave behind what there is to be kept, while the store is killed.
type killed struct {
	*space

	in    *backend
	began time.Time
	// hosts are the names of the pods of the job flaky, by attempt.
	hosts []string
}

// Lines that the job long has printed at each of its pauses, and at last. They are so many
// that the store has put the first part of the log at the first pause, and the second at
// the second; that the node begins a new file at the third and at no other; and that none
// is printed while that happens: those the node may pass over.
const (
	partLines    = 4500
	nextLines    = 9000
	rotatedLines = 10_300
	allLines     = 46_000
)

// longLine is a line of the job long.
func longLine(n int) string {
	return fmt.Sprintf("%09d %s %09d\n", n, strings.Repeat("x", 970), n*7919%1000003)
}

func (k *killed) long() v1alpha1.Job {
	text := `say() {
  awk -v a="$1" -v b="$2" 'BEGIN { x = sprintf("%970s", ""); gsub(" ", "x", x); for (i = a; i <= b; i++) printf "%09d %s %09d\n", i, x, i * 7919 % 1000003 }'
}
`
	from := 1
	for i, to := range []int{partLines, nextLines, rotatedLines, allLines} {
		if i > 0 {
			text += k.through(fmt.Sprintf("pause-%d", i)) + "\n"
		}
		text += fmt.Sprintf("say %d %d\n", from, to)
		from = to + 1
	}
	return script("long", text)
}

// keeping is a Pipeline whose jobs leave artifacts, a cache, a report on tests and an
// output.
func (k *killed) keeping() string {
	return fmt.Sprintf(`local ci = import 'kayci.libsonnet';
local sh(script) = ci.script('%s', script);
ci.pipeline('keeping', jobs=[
  ci.job('build', [
    ci.cache('modules', 'pkg/**'),
    sh(%q),
    ci.artifacts('dist', ['dist/**', 'sum']),
  ]),
  ci.job('test', allowFailure=true, work=[
    sh("echo '<testsuite><testcase name=\"TestA\"/><testcase name=\"TestB\"><failure message=\"no good\"/></testcase></testsuite>' > unit.xml; echo log > a.log; exit 1"),
    ci.junit('*.xml'),
    ci.artifacts('logs', '*.log', when='always'),
  ]),
  ci.job('use', [
    ci.fetch('build', 'dist', dir='got'),
    sh('sed s,dist,got/dist, got/sum | sha256sum -c - && cat got/dist/sub/link && echo "version $KAYCI_OUTPUT_BUILD_VERSION"'),
  ], needs=['build']),
])
`, busybox, k.through("build")+`
cat pkg/by 2>/dev/null || { mkdir pkg; echo "$KAYCI_RUN" > pkg/by; echo new; }
mkdir -p dist/sub; echo one > dist/a; ln -s ../a dist/sub/link
head -c 20000000 /dev/urandom > dist/large; sha256sum dist/large > sum
printf '{"version":"1.2"}' > /dev/termination-log`)
}

// begin has the Runs go on until the store can be killed.
func (k *killed) begin(t *testing.T) {
	t.Helper()
	repository := k.repository(t, "")
	commit := k.push(t, repository, map[string]string{"keeping.jsonnet": k.keeping()})
	flaky := script("flaky", `echo "on $HOSTNAME"; exit 1`)
	flaky.AllowFailure, flaky.Template.Spec.BackoffLimit = true, new(int32(1))
	slow := script("test", k.patient())
	slow.Timeout = &metav1.Duration{Duration: 5 * time.Second}
	k.create(t, k.configRepo("keeping", repository.URL),
		k.pipeline("long", k.long(), flaky), k.pipeline("slow", slow), k.pipeline("patient", script("test", k.patient())),
		k.pipeline("drained", script("test", "trap 'echo stopping; exit 143' TERM; echo begun; "+k.through("held")+"; echo through")))
	k.openGate("runs")
	for run, pipeline := range map[string]string{"long": "long", "slow": "slow", "cancelled": "patient", "evicted": "drained"} {
		k.start(t, run, pipeline)
	}
	k.syncTo(t, "keeping", commit)
	k.start(t, "kept", "keeping")
}

// leave has Runs leave things behind, and the store be killed at points of that.
func (k *killed) leave(t *testing.T) {
	t.Helper()
	runs := "runs/" + k.namespace
	part, record := k.in.point(t, runs+"/long/long/", "/logs/long/"), k.in.point(t, runs+"/patient/cancelled/", "/record.json.gz")
	artifact, list := k.in.point(t, runs+"/keeping/kept/", "/artifacts/build/"), k.in.point(t, runs+"/keeping/kept/", "/dist/manifest-")
	cache := k.in.point(t, "caches/"+k.namespace+"/", "/manifest.json.gz")
	k.awaitLeader(t)
	k.begin(t)

	k.say(t, "a pod is evicted, and its log kept before that could be lost")
	k.awaitArrival(t, "held")
	evicted := k.pod(t, "evicted", "test")
	k.evict(t, "evicted", "test")
	k.awaitObjects(t, runs+"/drained/evicted/", string(evicted.UID)+"/main/end.json", 1)
	k.openGate("held")

	k.say(t, "the store is killed at a part of a log, and at a record before its entry in the index")
	k.awaitLog(t, "cancelled", "test", "waiting")
	k.cancel(t, "cancelled")
	k.in.await(t, k.space, part)
	k.killAt(t, k.in, record)

	k.say(t, "the store is killed at a part of an artifact, at its list, and at that of a cache")
	k.openGate("build")
	k.killAt(t, k.in, artifact)
	k.killAt(t, k.in, list)
	cache.all = true
	k.killAt(t, k.in, cache)
	k.awaitLeader(t)
	k.openGate("pause-1")
	k.awaitObjects(t, runs+"/long/long/", "/logs/long/", 2)

	k.say(t, "the node begins a new file of the log")
	k.openGate("pause-2")
	k.awaitEnd(t, "kept", v1alpha1.RunSucceeded)
	k.start(t, "again", "keeping")
	k.awaitArrival(t, "pause-3")
	k.awaitRotation(t)
	k.openGate("pause-3")
	k.awaitAll(t)
}

// say tells what is done, and how long after the start.
func (k *killed) say(t *testing.T, what string) {
	t.Helper()
	t.Logf("after %.0f s %s", time.Since(k.began).Seconds(), what)
}

// awaitObjects waits until the store has put so many objects whose names begin and contain
// that.
func (k *killed) awaitObjects(t *testing.T, prefix, part string, want int) {
	t.Helper()
	k.await(t, fmt.Sprintf("%d objects %s*%s*", want, prefix, part), func(ctx context.Context) (bool, string, error) {
		objects, err := k.in.List(ctx, prefix, "", 0)
		found := 0
		for i := range objects {
			if strings.Contains(objects[i].Name, part) {
				found++
			}
		}
		return found >= want, fmt.Sprintf("%d are there", found), err
	})
}

// awaitRotation waits until the node has begun a new file of the log of the job long,
// which prints nothing meanwhile.
func (k *killed) awaitRotation(t *testing.T) {
	t.Helper()
	pod := k.pod(t, "long", "long").Name
	k.await(t, "a new file of the log", func(ctx context.Context) (bool, string, error) {
		options := &corev1.PodLogOptions{Container: "main", LimitBytes: new(int64(9))}
		text, err := k.Clientset.CoreV1().Pods(k.namespace).GetLogs(pod, options).DoRaw(ctx)
		if err != nil {
			return false, "", cluster.Retry(err)
		}
		return len(text) == 0, fmt.Sprintf("it begins with line %s", text), nil
	})
}

// awaitAll waits until all Runs have ended and are stored, whole.
func (k *killed) awaitAll(t *testing.T) {
	t.Helper()
	for name, want := range map[string]v1alpha1.RunPhase{
		"cancelled": v1alpha1.RunCancelled, "slow": v1alpha1.RunFailed, "evicted": v1alpha1.RunSucceeded,
		"long": v1alpha1.RunSucceeded, "kept": v1alpha1.RunSucceeded, "again": v1alpha1.RunSucceeded,
	} {
		k.awaitEnd(t, name, want)
		if stored := k.awaitStored(t, name); stored.Reason != v1alpha1.ReasonStored {
			t.Errorf("Run %s: %s: %s", name, stored.Reason, stored.Message)
		}
	}
	for _, pod := range k.pods(t, "long") {
		if pod.Labels[v1alpha1.JobLabel] == "flaky" {
			k.hosts = append(k.hosts, pod.Name)
		}
	}
	if len(k.hosts) != 2 {
		t.Fatalf("the job flaky had the pods %v", k.hosts)
	}
}

// removeAll deletes all Runs, and waits until nothing is left of them.
func (k *killed) removeAll(t *testing.T) {
	t.Helper()
	err := k.Client.DeleteAllOf(k.ctx, &v1alpha1.Run{}, client.InNamespace(k.namespace), client.PropagationPolicy(metav1.DeletePropagationForeground))
	if err != nil {
		t.Fatal(err)
	}
	k.awaitGone(t, "all Runs", &v1alpha1.RunList{})
	k.awaitGone(t, "all pods", &corev1.PodList{})
}

// expectLogs reads the logs of Runs that are gone.
func (k *killed) expectLogs(t *testing.T) {
	t.Helper()
	for _, tt := range []struct {
		run, job, attempt string
		want              []string
	}{
		{"cancelled", "test", "1", []string{patientLog}},
		{"slow", "test", "1", []string{patientLog}},
		// Whether the program can say something before it is killed is not for it to choose.
		{"evicted", "test", "1", []string{"begun\n", "begun\nstopping\n"}},
		{"evicted", "test", "2", []string{"begun\nthrough\n"}},
		{"long", "flaky", "1", []string{"on " + k.hosts[0] + "\n"}},
		{"long", "flaky", "2", []string{"on " + k.hosts[1] + "\n"}},
		{"kept", "build", "1", []string{"new\n"}},
		{"kept", "use", "1", []string{"got/dist/large: OK\none\nversion 1.2\n"}},
		{"again", "build", "1", []string{"kept\n"}},
	} {
		got := finish(t, program.kayci(t, k.space, "logs", tt.run, tt.job, "-c", "main", "--attempt", tt.attempt, "--raw", "--no-prefix"))
		as := false
		for _, want := range tt.want {
			as = as || got.out == want && got.err == "" && got.code == 0
		}
		if !as {
			t.Errorf("the log of %s, %s, attempt %s: %q, %q, exit code %d; want one of %q", tt.run, tt.job, tt.attempt, got.out, got.err, got.code, tt.want)
		}
	}
	var printed strings.Builder
	for n := range allLines {
		printed.WriteString(longLine(n + 1))
	}
	got := finish(t, program.kayci(t, k.space, "logs", "long", "long", "--raw", "--no-prefix"))
	if sha256.Sum256([]byte(got.out)) != sha256.Sum256([]byte(printed.String())) || got.err != "" || got.code != 0 {
		t.Errorf("the log of long: %d bytes, %q, exit code %d; want %d bytes; %s", len(got.out), got.err, got.code, printed.Len(), firstDifference(got.out))
	}
}

// firstDifference tells where a log of the job long is another than what was printed.
func firstDifference(log string) string {
	for i, line := range strings.SplitAfter(log, "\n") {
		if line != longLine(i+1) {
			return fmt.Sprintf("line %d is %.30q", i+1, line)
		}
	}
	return "it is the same"
}

// expectRest reads what else is left of Runs that are gone.
func (k *killed) expectRest(t *testing.T) {
	t.Helper()
	said := finish(t, program.kayci(t, k.space, "describe", "kept"))
	for _, want := range []string{"✓ Succeeded", "Deleted", "build  version=1.2", "1 of 2 tests failed", "TestB: no good"} {
		if !strings.Contains(said.out, want) {
			t.Errorf("%q isn't said of the Run:\n%s%s", want, said.out, said.err)
		}
	}
	if listed := finish(t, program.kayci(t, k.space, "artifacts", "kept", "-oname")); listed.out != "build/dist\ntest/logs\n" {
		t.Errorf("artifacts: %q, %q", listed.out, listed.err)
	}
	fetch := program.kayci(t, k.space, "artifacts", "kept", "build/dist", "-d", "got")
	if fetched := finish(t, fetch); fetched.code != 0 {
		t.Fatalf("fetched: %q, exit code %d", fetched.err, fetched.code)
	}
	large, err := os.ReadFile(filepath.Join(fetch.Dir, "got/dist/large"))
	sum, failed := os.ReadFile(filepath.Join(fetch.Dir, "got/sum"))
	if want := fmt.Sprintf("%x  dist/large\n", sha256.Sum256(large)); want != string(sum) || len(large) != 20_000_000 || err != nil || failed != nil {
		t.Errorf("%d bytes were fetched, and their sum is %q and not %q: %v, %v", len(large), want, sum, err, failed)
	}
	if one := finish(t, program.kayci(t, k.space, "artifacts", "kept", "test/logs", "--path", "a.log")); one.out != "log\n" {
		t.Errorf("a file alone: %q, %q", one.out, one.err)
	}
	if listed := finish(t, program.kayci(t, k.space, "runs", "-oname")); len(lines(listed.out)) != 6 {
		t.Errorf("Runs: %q, %q", listed.out, listed.err)
	}
}

package process_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kayci/kayci/test/process"
)

// parentArgument has this test binary start a program, say its number, and wait.
const parentArgument = "parent"

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == parentArgument {
		p, err := process.Start(context.Background(), process.Command{Name: "sleep", Log: os.Args[2], Program: "sleep", Args: []string{"600"}})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(p.PID())
		_, _ = io.ReadAll(os.Stdin)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// What a program has started ends with it, also when that takes no notice.
func TestStopEndsTheWholeGroup(t *testing.T) {
	t.Parallel()
	said := filepath.Join(t.TempDir(), "sh.log")
	p, err := process.Start(t.Context(), process.Command{
		Name: "sh", Log: said, Env: []string{"TEXT=hello"}, Program: "sh",
		Args: []string{"-c", `(trap "" TERM; echo $TEXT; exec sleep 600) & echo $!; wait`},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Stop() })
	if err := p.Alive(); err != nil {
		t.Fatal(err)
	}
	child := childOf(t, said)
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	awaitEnd(t, child)
	if err := p.Stop(); err != nil {
		t.Errorf("stopped twice: %v", err)
	}
	if err := p.Alive(); err == nil || !strings.Contains(err.Error(), "hello") {
		t.Errorf("got %v, want that it has ended and its log", err)
	}
}

func TestAProgramThatIsMissing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := process.Start(t.Context(), process.Command{Name: "nothing", Log: filepath.Join(dir, "log"), Program: filepath.Join(dir, "nothing")})
	if err == nil || !strings.Contains(err.Error(), "start nothing: ") {
		t.Errorf("got %v, want that it can't be started", err)
	}
}

// A test that is killed leaves nothing behind.
func TestItEndsWithItsParent(t *testing.T) {
	t.Parallel()
	parent := exec.CommandContext(t.Context(), os.Args[0], parentArgument, filepath.Join(t.TempDir(), "log"))
	stdin, err := parent.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var child int
	_, said := fmt.Fscanln(bufio.NewReader(stdout), &child)
	if err := parent.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = parent.Wait() // It was killed.
	if said != nil {
		t.Fatal(said)
	}
	awaitEnd(t, child)
}

// childOf waits until the shell has said which process it has started, and that
// one something else.
func childOf(t *testing.T, log string) (child int) {
	t.Helper()
	poll(t, "it has started another", func() bool {
		data, err := os.ReadFile(log)
		words := strings.Fields(string(data))
		for _, word := range words {
			if pid, err := strconv.Atoi(word); err == nil {
				child = pid
			}
		}
		return err == nil && len(words) == 2
	})
	return child
}

// awaitEnd waits until a process has ended, whether or not anybody has asked how.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	poll(t, "the other has ended", func() bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ") || syscall.Kill(pid, 0) != nil
	})
}

func poll(t *testing.T, what string, check func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, 30*time.Second, true,
		func(context.Context) (bool, error) { return check(), nil })
	if err != nil {
		t.Fatalf("wait until %s: %v", what, err)
	}
}

package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	runlogs "github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/store/serve"
)

var _ runlogs.Kept = (*Store)(nil)

// Pods returns the pods that the Run had, as its record has them, and those of its jobs
// that it has taken from earlier Runs, whose own records may have what its lacks.
func (s *Store) Pods(ctx context.Context, run *v1alpha1.Run) ([]corev1.Pod, error) {
	record, err := s.Run(ctx, run.Namespace, run.Name, run.UID)
	if record == nil || err != nil {
		return nil, err
	}
	pods := record.Pods
	for i := range run.Status.Jobs {
		job := &run.Status.Jobs[i]
		if job.ReusedFrom == "" || hasPodsOf(pods, job.ReusedFrom, job.Name) {
			continue
		}
		earlier, err := s.Run(ctx, run.Namespace, job.ReusedFrom, "")
		if err != nil {
			return nil, err
		}
		if earlier == nil {
			continue
		}
		for _, pod := range earlier.Pods {
			if !slices.ContainsFunc(pods, func(known corev1.Pod) bool { return known.UID == pod.UID }) {
				pods = append(pods, pod)
			}
		}
	}
	return pods, nil
}

func hasPodsOf(pods []corev1.Pod, run, job string) bool {
	return slices.ContainsFunc(pods, func(pod corev1.Pod) bool {
		return pod.Labels[v1alpha1.RunLabel] == run && pod.Labels[v1alpha1.JobLabel] == job
	})
}

// Read implements [runlogs.Source]. ErrNotStored: the store has nothing of the log.
func (s *Store) Read(ctx context.Context, c *runlogs.Container, o runlogs.Options, each func(*runlogs.Line) error) (runlogs.End, error) {
	request := s.get(c.Namespace, "runs", c.Run, "logs", c.Part(), string(c.UID), c.Name)
	if o.From > 0 {
		request.with("from", strconv.FormatInt(o.From, 10))
	}
	if o.Tail != nil {
		request.with("tail", strconv.FormatInt(*o.Tail, 10))
	}
	body, err := request.stream(ctx)
	if err != nil {
		return runlogs.End{}, err
	}
	defer body.Close()
	text := bufio.NewReader(body)
	head, err := readHead(text)
	if err != nil {
		return runlogs.End{}, err
	}
	kept := head.End
	o.From = max(o.From, head.From)
	end, err := runlogs.Scan(ctx, c, text, head.First, o, each)
	if kept == nil {
		end.Missing = append(end.Missing, "the store has what was printed until it stopped following the log")
		return end, err
	}
	end.Complete, end.Missing = kept.Complete, append(end.Missing, kept.Missing...)
	end.State.Started, end.State.Ended, end.State.ExitCode, end.State.Reason = kept.Started, kept.Ended, kept.ExitCode, kept.Reason
	return end, err
}

// maxHead bounds what comes before the lines, in bytes.
const maxHead = 2 << 20

var errHead = errors.New("what comes before a log is too long")

// readHead reads what comes before the lines.
func readHead(text *bufio.Reader) (serve.Head, error) {
	var head serve.Head
	var line []byte
	for {
		part, err := text.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxHead:
			err = errHead
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == nil:
			err = json.Unmarshal(line, &head)
		}
		if err != nil {
			return head, fmt.Errorf("read the answer of the store: %w", err)
		}
		return head, nil
	}
}

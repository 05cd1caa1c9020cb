package render_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestShebangOfAnotherProgramIsRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ arguments, want string }{
		"bash":        {`'#!/bin/bash\necho'`, "main: the script begins with #!/bin/bash, but sh -ec would run it: add shell=['bash', '-ec'], or take the line out"},
		"python":      {`'#!/usr/bin/env python3\r\nimport os', name='build'`, "build: the script begins with #!python3, but sh -ec would run it: add shell=['python3', '-c'], or take the line out"},
		"awk":         {`' \n#! /usr/bin/awk -f\n{ print }'`, "main: the script begins with #!/usr/bin/awk -f, but sh -ec would run it: add shell=['awk', …], with the flag that has it take a program as its next argument, or take the line out"},
		"sh for bash": {`'#!/bin/sh\necho', shell=['bash', '-ec']`, "main: the script begins with #!/bin/sh, but bash -ec would run it: add shell=['sh', '-ec'], or take the line out"},
		"behind the function for outputs": {
			`ci.outputFunction + '\n#!/bin/bash\necho'`, "main: the script begins with #!/bin/bash, but sh -ec would run it: add shell=['bash', '-ec'], or take the line out",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := rendered(t, options(t, repository(t, map[string]string{
				"a.jsonnet": "local ci = import 'kayci.libsonnet';\nci.pipeline('web', [ci.job('a',\n  ci.script('busybox', " + tc.arguments + "))])",
			})))
			got = slices.DeleteFunc(got, func(line string) bool { return strings.HasPrefix(line, "  at ") })
			if diff := cmp.Diff([]string{"a.jsonnet:3: ci.script " + tc.want}, got); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

// Package monitoring checks that Prometheus takes the chart's alert rules and
// the queries of its dashboard, and that they ask for metrics that there are.
package monitoring

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

const root = "../.."

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{root}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestPrometheusTakesTheRules(t *testing.T) {
	for _, file := range []string{"alerts.yaml", "store.yaml"} {
		t.Run(file, func(t *testing.T) { checkRules(t, read(t, "charts", "kayci", "files", "monitoring", file)) })
	}
}

func checkRules(t *testing.T, file []byte) {
	t.Helper()
	groups, errs := rulefmt.Parse(file, false, model.UTF8Validation, promql(), slog.New(slog.DiscardHandler))
	for _, err := range errs {
		t.Error(err)
	}
	if groups == nil {
		return
	}
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			checkQuery(t, rule.Alert, rule.Expr)
			for _, note := range []string{"summary", "description"} {
				if rule.Annotations[note] == "" {
					t.Errorf("%s has no %s", rule.Alert, note)
				}
			}
		}
	}
}

func TestPrometheusTakesTheDashboard(t *testing.T) {
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(read(t, "charts", "kayci", "files", "monitoring", "dashboard.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	if len(dashboard.Panels) == 0 {
		t.Error("the dashboard has no panels")
	}
	variables := strings.NewReplacer("$__rate_interval", "5m", "$namespace", "ci", "$pipeline", "web")
	for _, panel := range dashboard.Panels {
		if len(panel.Targets) == 0 {
			t.Errorf("panel %s has no query", panel.Title)
		}
		for _, target := range panel.Targets {
			checkQuery(t, panel.Title, variables.Replace(target.Expr))
		}
	}
}

func promql() parser.Parser { return parser.NewParser(parser.Options{}) }

// checkQuery fails unless the query is valid and each of its metrics is in the
// table of docs/operations.md.
func checkQuery(t *testing.T, of, query string) {
	t.Helper()
	expr, err := promql().ParseExpr(query)
	if err != nil {
		t.Errorf("%s: %v", of, err)
		return
	}
	documented := map[string]bool{}
	for _, match := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(string(read(t, "docs", "operations.md")), -1) {
		documented[match[1]] = true
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		name := selector.Name
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			name = strings.TrimSuffix(name, suffix)
		}
		if !documented[name] {
			t.Errorf("%s: docs/operations.md has no metric %s", of, name)
		}
		return nil
	})
}

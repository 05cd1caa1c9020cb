// Package canary has objects that are wrong in one field each, whose value nobody
// may repeat: a test refuses them and looks for it in what is said.
package canary

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Bird is in each of the values.
const Bird = "canarybird"

// Case is an object with the bird in one of its fields.
type Case struct {
	Kind string
	// Field is where, without the numbers of lists: spec.jobs[].name.
	Field string
	// Object as it is written in JSON.
	Object []byte
}

// Decode reads the object, and reports whether its type can hold it.
func (c Case) Decode(into any) bool { return json.Unmarshal(c.Object, into) == nil }

// values are such as some rule refuses: of names, addresses, paths, patterns and
// commands, and too long.
func values() []string {
	return []string{
		"https://me:" + Bird + "@git.example.com/x", "file://" + Bird, "/" + Bird + "/../:", "Not " + Bird + "!\n", "-" + Bird,
		"(" + Bird, "{" + Bird, Bird + " $(KAYCI_X)", Bird + "\x00", strings.Repeat(Bird, 15_000),
	}
}

// expressions have the bird in a text: what they name isn't secret.
func expressions() []string {
	return []string{
		"body.token == '" + Bird, "body.token == '" + Bird + "' +", "'" + Bird + "' + 1 == '" + Bird + "'", `"` + Bird + `" "` + Bird + `"`,
		"body.token == '" + Bird + "\n" + Bird + "'", "'" + Bird + "' x '" + Bird, "int('" + Bird + "')", "'" + Bird + "'", "body.matches('(" + Bird + "')",
		"timestamp('" + Bird + "') == timestamp('" + Bird + "')", "duration('" + Bird + "') > duration('1s')", "body['" + Bird + "'", "b'" + Bird + "' == '" + Bird + "'",
		"{'" + Bird + "': 1, '" + Bird + "'}", "[1, '" + Bird + "'", "body.x('" + Bird + "')", `r"""` + Bird, "'" + strings.Repeat(Bird, 500) + "'",
	}
}

func isExpression(kind, field string) bool {
	switch kind + " " + field {
	case "Pipeline spec.jobs[].if", "Pipeline spec.concurrency.key", "Trigger spec.webhook.if", "Trigger spec.params.sha",
		"Trigger spec.webhook.each", "Trigger spec.webhook.delivery":
		return true
	default:
		return false
	}
}

// Cases are the objects: each text and each key of each kind with each of the
// values, and with a value of another type.
func Cases() []Case {
	var cases []Case
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		var object any
		if err := yaml.Unmarshal([]byte(objects[name]), &object); err != nil {
			panic(fmt.Sprintf("the %s is no YAML: %v", name, err))
		}
		kind, _, _ := strings.Cut(name, " ")
		eachText(object, "", func(field string, set func(any)) {
			wrong := values()
			if isExpression(kind, field) {
				wrong = expressions()
			}
			for _, value := range wrong {
				set(value)
				cases = append(cases, Case{kind, field, encode(object)})
			}
			set(map[string]any{Bird: Bird})
			cases = append(cases, Case{kind, field, encode(object)})
			set([]any{Bird, Bird})
			cases = append(cases, Case{kind, field, encode(object)})
		})
	}
	return cases
}

func encode(object any) []byte {
	encoded, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	return encoded
}

// eachText calls do for each text of an object, which it may set to something else
// meanwhile.
func eachText(value any, field string, do func(field string, set func(any))) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			below := strings.TrimPrefix(field+"."+key, ".")
			if before, ok := v[key].(string); ok && !identity(below) {
				do(below, func(other any) { v[key] = other })
				v[key] = before
			}
			eachText(v[key], below, do)
		}
	case []any:
		for i := range v {
			if before, ok := v[i].(string); ok {
				do(field+"[]", func(other any) { v[i] = other })
				v[i] = before
			}
			eachText(v[i], field+"[]", do)
		}
	}
}

// identity reports whether a field says what kind of object it is.
func identity(field string) bool { return field == "apiVersion" || field == "kind" }

// MayQuote returns why what refuses a field may repeat its value, and blank where it
// may not.
func MayQuote(kind, field string) string {
	const (
		name   = "it is a name, which others have to give"
		choice = "it is one of a few words, or a number"
		place  = "it is a place in a tree of files or refs"
		rule   = "it says which values are allowed, which a refusal of others has to tell"
	)
	if strings.HasPrefix(field, "metadata.labels.") {
		return "Kubernetes does, of every kind"
	}
	return map[string]string{
		"ConfigRepo metadata.name": name, "ConfigRepo spec.path": place, "ConfigRepo spec.ref.branch": place, "ConfigRepo spec.secretRef.name": name,
		"ConfigRepo spec.interval": choice, "ConfigRepo spec.timeout": choice,
		"Pipeline metadata.name": name, "Pipeline spec.jobs[].name": name, "Pipeline spec.jobs[].needs[]": name,
		"Pipeline spec.services[].name": name, "Pipeline spec.services[].ports[].name": name, "Pipeline spec.notifiers[].name": name,
		"Pipeline spec.notifiers[].phases[]": choice, "Pipeline spec.concurrency.policy": choice, "Pipeline spec.concurrency.group": name, "Pipeline spec.workspace.mountPath": place,
		"Pipeline spec.params[].name": name, "Pipeline spec.params[].enum[]": rule, "Pipeline spec.params[].pattern": rule,
		"Pipeline spec.jobs[].template.spec.template.spec.containers[].resources.limits.memory": choice,
		"Pipeline spec.workspace.volumeClaimTemplate.spec.resources.requests.storage":           choice,
		"Run spec.retryOf": name, "Run spec.revision": name, "Run spec.origin.provider": choice,
		"Run metadata.name": name, "Run spec.pipeline": name, "Run spec.approvals[].job": name,
		"Trigger metadata.name": name, "Trigger spec.pipeline": name, "Trigger spec.webhook.provider": choice, "Trigger spec.webhook.events[]": choice,
		"Trigger spec.webhook.branches[]": place, "Trigger spec.report.provider": choice,
	}[kind+" "+field]
}

// Valid are the objects as they were before, which nobody refuses.
func Valid() []Case {
	var cases []Case
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		var object any
		if err := yaml.Unmarshal([]byte(objects[name]), &object); err != nil {
			panic(fmt.Sprintf("the %s is no YAML: %v", name, err))
		}
		kind, _, _ := strings.Cut(name, " ")
		cases = append(cases, Case{Kind: kind, Object: encode(object)})
	}
	return cases
}

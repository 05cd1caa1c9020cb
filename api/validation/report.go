package validation

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/v1alpha1"
)

// PageFields are what may stand in braces in the address of a Run's page.
func PageFields() []string {
	return []string{"namespace", "trigger", "pipeline", "run", "uid", "sha"}
}

// gitHosts are the providers that have an API, and defaultAPI those of which everybody
// uses the same.
func gitHosts() []v1alpha1.Provider {
	return append(defaultAPI(), v1alpha1.ProviderGitea, v1alpha1.ProviderBitbucketServer)
}

func defaultAPI() []v1alpha1.Provider {
	return []v1alpha1.Provider{v1alpha1.ProviderGitHub, v1alpha1.ProviderGitLab, v1alpha1.ProviderBitbucket}
}

func validateReport(t *v1alpha1.TriggerSpec, path *field.Path) field.ErrorList {
	report := t.Report
	if report == nil {
		return nil
	}
	if t.Schedule != nil || t.Resource != nil || t.Webhook != nil && t.Webhook.Provider == v1alpha1.ProviderGeneric {
		return field.ErrorList{field.Forbidden(path, "the Runs of this Trigger are about no commit: a report is for events of a git host")}
	}
	var errs field.ErrorList
	if report.SecretRef.Name == "" {
		errs = append(errs, field.Required(path.Child("secretRef", "name"), "the Secret with a token of the git host"))
	}
	switch provider := t.ReportProvider(); {
	case !slices.Contains(gitHosts(), provider):
		errs = append(errs, field.NotSupported(path.Child("provider"), provider, gitHosts()))
	case report.API == "" && !slices.Contains(defaultAPI(), provider):
		errs = append(errs, field.Required(path.Child("api"), "the address of the host's API: "+string(provider)+" has one wherever it is installed"))
	case report.API != "":
		errs = append(errs, validateWebAddress(report.API, path.Child("api"))...)
	}
	if report.Context != "" {
		errs = append(errs, validateContext(report.Context, path.Child("context"))...)
	}
	if report.URL != "" {
		errs = append(errs, Page(report.URL, path.Child("url"))...)
	}
	return errs
}

const (
	// maxContext of a report, in characters, and maxAddress of a page.
	maxContext, maxAddress = 100, 2048
)

var reportContext = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._/:-]*$`)

// validateContext says what the CRD does.
func validateContext(context string, path *field.Path) field.ErrorList {
	switch {
	case utf8.RuneCountInString(context) > maxContext:
		return field.ErrorList{field.TooLong(path, "", maxContext)}
	case !reportContext.MatchString(context):
		return field.ErrorList{field.Invalid(path, field.OmitValueType{}, "must begin with a letter or digit, and hold letters, digits, spaces and . _ / : - alone")}
	}
	return nil
}

// validateWebAddress never repeats the address, because somebody may have put a
// password into it.
func validateWebAddress(raw string, path *field.Path) field.ErrorList {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return field.ErrorList{field.Invalid(path, field.OmitValueType{}, "must begin with https:// or http:// and name a host")}
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return field.ErrorList{field.Invalid(path, field.OmitValueType{}, "must hold no user, question mark or #; put credentials into the Secret")}
	}
	return nil
}

// Page checks the address of Runs' pages, with names in braces. No error repeats it.
func Page(raw string, path *field.Path) field.ErrorList {
	if len(raw) > maxAddress {
		return field.ErrorList{field.TooLong(path, "", maxAddress)}
	}
	plain := raw
	for _, name := range PageFields() {
		plain = strings.ReplaceAll(plain, "{"+name+"}", "x")
	}
	if strings.ContainsAny(plain, "{}") {
		return field.ErrorList{field.Invalid(path, field.OmitValueType{}, "in braces may stand "+strings.Join(PageFields(), ", "))}
	}
	u, err := url.Parse(plain)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return field.ErrorList{field.Invalid(path, field.OmitValueType{}, "must begin with https:// or http://, and name a host and no user")}
	}
	return nil
}

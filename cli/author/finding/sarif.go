package finding

import (
	"cmp"
	"io"
	"net/url"
)

const (
	sarifVersion = "2.1.0"
	sarifSchema  = "https://json.schemastore.org/sarif-2.1.0.json"
	homePage     = "https://github.com/kayci/kayci"
)

// The types are the parts of SARIF that are written, by its own names.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               Rule      `json:"id"`
		ShortDescription sarifText `json:"shortDescription"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    Rule            `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifLogical struct {
		FullyQualifiedName string `json:"fullyQualifiedName"`
	}
)

// SARIF writes a log of SARIF 2.1.0. The version is that of the program that has found
// it.
func SARIF(out io.Writer, version string, findings []Finding) error {
	rules := []sarifRule{
		{RuleFile, sarifText{"A file can be read and evaluated"}},
		{RuleObject, sarifText{"What a file yields are Pipelines and Triggers"}},
		{RuleField, sarifText{"The fields of Pipelines and Triggers are valid"}},
	}
	index := map[Rule]int{}
	for i, rule := range rules {
		index[rule.ID] = i
	}
	results := make([]sarifResult, len(findings))
	for i, f := range findings {
		results[i] = sarifResult{
			RuleID: f.Rule, RuleIndex: index[f.Rule], Level: "error",
			Message: sarifText{f.what()}, Locations: f.locations(),
		}
	}
	driver := sarifDriver{Name: "kayci", Version: version, InformationURI: homePage, Rules: rules}
	return encode(out, sarifLog{
		Schema: sarifSchema, Version: sarifVersion,
		Runs: []sarifRun{{Tool: sarifTool{driver}, Results: results}},
	})
}

func (f Finding) locations() []sarifLocation {
	if f.File == "" {
		return nil
	}
	location := sarifLocation{Physical: sarifPhysical{Artifact: sarifArtifact{(&url.URL{Path: f.File}).String()}}}
	if f.Line > 0 {
		location.Physical.Region = &sarifRegion{f.Line}
	}
	if name := cmp.Or(f.Object, f.Field); name != "" {
		if f.Object != "" && f.Field != "" {
			name += "." + f.Field
		}
		location.Logical = []sarifLogical{{name}}
	}
	return []sarifLocation{location}
}

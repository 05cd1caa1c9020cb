package lean

import (
	"github.com/kayci/kayci/api/v1alpha1"
)

func (c *Cache) shareRun(run *v1alpha1.Run) {
	spec, status := &run.Spec, &run.Status
	share(&c.texts, &spec.Pipeline, &spec.Revision, &spec.RetryOf, &status.CreatedVersion)
	share(&c.texts, &status.Phase)
	if origin := spec.Origin; origin != nil {
		share(&c.texts, &origin.Trigger, &origin.Repository, &origin.Ref, &origin.Branch, &origin.BaseBranch, &origin.Sender, &origin.Author, &origin.SHA)
		share(&c.texts, &origin.Provider)
	}
	for i := range status.Conditions {
		condition := &status.Conditions[i]
		share(&c.texts, &condition.Type, &condition.Reason, &condition.Message)
		share(&c.texts, &condition.Status)
	}
	for i := range status.Jobs {
		job := &status.Jobs[i]
		share(&c.texts, &job.Name, &job.Reason, &job.Message, &job.Job, &job.ReusedFrom)
		share(&c.texts, &job.Phase)
		c.shareTests(job.Tests)
	}
}

// shareTests shares what a test that fails in many Runs says in each.
func (c *Cache) shareTests(tests *v1alpha1.TestSummary) {
	if tests == nil {
		return
	}
	for i := range tests.Failures {
		failure := &tests.Failures[i]
		share(&c.texts, &failure.Class, &failure.Name, &failure.Message)
	}
}

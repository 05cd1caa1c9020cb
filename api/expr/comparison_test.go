package expr

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
)

func TestComparisonsThatSayTheSameWhateverHappens(t *testing.T) {
	const (
		phases    = `, but one of ["Succeeded" "Failed" "Skipped" "Cancelled"]`
		providers = `, but one of ["generic" "github" "gitlab" "gitea" "bitbucket" "bitbucket-server" ""]`
		phase     = ": a job's phase is never "
	)
	spec := &v1alpha1.PipelineSpec{
		Params: []v1alpha1.Param{{Name: "stage", Enum: []string{"test", "production"}}, {Name: "branch"}},
		Jobs:   []v1alpha1.Job{{Name: "test"}, {Name: "build-web"}, {Name: "last", Needs: []string{"test", "build-web"}}},
	}
	env, scope := runEnv(t), JobScope(spec, "last")
	for src, want := range map[string]string{
		`jobs['test'].phase == 'Success'`:                                         `1:23` + phase + `"Success"` + phases,
		`jobs.test.phase != "succeeded"`:                                          `1:20` + phase + `"succeeded"` + phases,
		`failure() ||` + "\n" + `'Running' == jobs.test.phase`:                    `2:1` + phase + `"Running"` + phases,
		`jobs.test.phase in ['Failed', 'Waiting']`:                                `1:31` + phase + `"Waiting"` + phases,
		`'Fail' in [jobs.test.phase, jobs['build-web'].phase]`:                    `1:1` + phase + `"Fail"` + phases,
		`jobs.exists(j, jobs[j].phase == 'Skip')`:                                 `1:33` + phase + `"Skip"` + phases,
		`jobs.?test.phase.orValue('') == 'Success'`:                               `1:33` + phase + `"Success", but one of ["Succeeded" "Failed" "Skipped" "Cancelled" ""]`,
		`jobs[?'test'].phase.value() == ''`:                                       `1:32` + phase + `""` + phases,
		`run.provider == 'GitHub'`:                                                `1:17: run.provider is never "GitHub"` + providers,
		`params.stage == 'prod'`:                                                  `1:17: params.stage is never "prod", but one of ["test" "production"]`,
		`params['stage'] == 'prod'`:                                               `1:20: params.stage is never "prod", but one of ["test" "production"]`,
		`params.?stage.orValue('none') in ['none', 'prod']`:                       `1:43: params.stage is never "prod", but one of ["test" "production" "none"]`,
		`jobs.test.phase == 'Failed'`:                                             "",
		`jobs.test.phase in ['Succeeded', 'Skipped', params.branch, 'Cancelled']`: "",
		`jobs.test.phase == params.branch`:                                        "",
		`jobs.test.phase in params`:                                               "",
		`jobs.test.phase + '' == 'x'`:                                             "",
		`jobs.?test.phase.orValue('none') == 'none'`:                              "",
		`jobs.test.outputs.phase == 'Success'`:                                    "",
		`run.provider in ['', 'gitea']`:                                           "",
		`run.ref == 'main' && run.sha != 'x'`:                                     "",
		`params.stage == 'production' && params.branch == 'prod'`:                 "",
		`has(jobs.test.phase) && 'Success' == 'Success'`:                          "",
	} {
		condition, err := env.CompileCondition(src, scope)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if diff := cmp.Diff(want, message(condition.Vet(scope))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", src, diff)
		}
	}
}

func TestComparisonsOfKeysAndEvents(t *testing.T) {
	spec := &v1alpha1.PipelineSpec{Params: []v1alpha1.Param{{Name: "stage", Enum: []string{"test", "production"}}}}
	key, err := runEnv(t).CompileKey(`params.stage == 'prod' ? 'a' : 'b'`, KeyScope(spec))
	if err != nil {
		t.Fatal(err)
	}
	condition, err := triggerEnv(t).CompileCondition(`event.kind == 'Push' || body.kind == 'Push'`)
	if err != nil {
		t.Fatal(err)
	}
	param, err := triggerEnv(t).CompileParam(`event.kind == 'tag'`)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`1:17: params.stage is never "prod", but one of ["test" "production"]`,
		`1:15: event.kind is never "Push", but one of ["push" "pull_request" "comment" "release" ""]`,
		`1:15: event.kind is never "tag", but one of ["push" "pull_request" "comment" "release" ""]`,
	}
	if diff := cmp.Diff(want, []string{message(key.Vet(KeyScope(spec))), message(condition.Vet()), message(param.Vet())}); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

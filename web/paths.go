package web

import "net/url"

func namespacePath(namespace string) string { return "/ns/" + url.PathEscape(namespace) }

func pipelinePath(namespace, name string) string {
	return namespacePath(namespace) + "/pipelines/" + url.PathEscape(name)
}

func runPath(namespace, name string) string {
	return namespacePath(namespace) + "/runs/" + url.PathEscape(name)
}

func jobPath(namespace, run, job string) string {
	return runPath(namespace, run) + "/jobs/" + url.PathEscape(job)
}

func artifactPath(namespace, run, job, name string) string {
	return jobPath(namespace, run, job) + "/artifacts/" + url.PathEscape(name)
}

func configRepoPath(namespace, name string) string {
	return namespacePath(namespace) + "/configrepos/" + url.PathEscape(name)
}

func triggerPath(namespace, name string) string {
	return namespacePath(namespace) + "/triggers/" + url.PathEscape(name)
}

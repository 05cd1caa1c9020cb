package place

// TestsOf is where the reports on the tests of the job's pods are.
func (r Run) TestsOf(job string) string { return r.Folder() + "tests/" + job + "/" }

package expr

import "sync"

// One environment for the whole process: what admission has compiled a webhook
// need not. They hold nothing but what a text alone says.
var (
	sharedTriggerEnv  = sync.OnceValues(NewTriggerEnv)  //nolint:gochecknoglobals // remembers what a pure function returns
	sharedScheduleEnv = sync.OnceValues(NewScheduleEnv) //nolint:gochecknoglobals // remembers what a pure function returns
	sharedRunEndEnv   = sync.OnceValues(NewRunEndEnv)   //nolint:gochecknoglobals // remembers what a pure function returns
	sharedResourceEnv = sync.OnceValues(NewResourceEnv) //nolint:gochecknoglobals // remembers what a pure function returns
	sharedRunEnv      = sync.OnceValues(NewRunEnv)      //nolint:gochecknoglobals // remembers what a pure function returns
)

// SharedTriggerEnv returns the environment of NewTriggerEnv that all share.
func SharedTriggerEnv() (*Env, error) { return sharedTriggerEnv() }

// SharedScheduleEnv returns the environment of NewScheduleEnv that all share.
func SharedScheduleEnv() (*Env, error) { return sharedScheduleEnv() }

// SharedRunEndEnv returns the environment of NewRunEndEnv that all share.
func SharedRunEndEnv() (*Env, error) { return sharedRunEndEnv() }

// SharedResourceEnv returns the environment of NewResourceEnv that all share.
func SharedResourceEnv() (*Env, error) { return sharedResourceEnv() }

// SharedRunEnv returns the environment of NewRunEnv that all share.
func SharedRunEnv() (*RunEnv, error) { return sharedRunEnv() }

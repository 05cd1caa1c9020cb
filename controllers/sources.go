package controllers

import (
	"fmt"

	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/start"
	"github.com/kayci/kayci/controllers/trigger/decisions"
	"github.com/kayci/kayci/controllers/trigger/poll"
	"github.com/kayci/kayci/controllers/trigger/resource"
	"github.com/kayci/kayci/controllers/trigger/schedule"
	"github.com/kayci/kayci/controllers/trigger/source"
	"github.com/kayci/kayci/controllers/trigger/upstream"
	"github.com/kayci/kayci/sync/git"
)

// addEvents adds what starts Runs, with one record of what was decided: two would meet
// in the same statuses.
func addEvents(mgr ctrl.Manager, opts Options, installed *revision.Installed) error {
	noted := decisions.NewRecorder(mgr.GetClient(), clock.RealClock{}, mgr.GetLogger().WithName("decisions"))
	if err := mgr.Add(noted); err != nil {
		return fmt.Errorf("add the record of decisions: %w", err)
	}
	if err := addSources(mgr, opts, installed, noted); err != nil {
		return err
	}
	return addWebhooks(mgr, opts, installed, noted)
}

// addSources adds what starts Runs without a request: it runs where the replica
// leads.
func addSources(mgr ctrl.Manager, opts Options, installed *revision.Installed, noted *decisions.Recorder) error {
	launcher := &source.Launcher{
		Client:    mgr.GetClient(),
		Starter:   &start.Starter{Client: mgr.GetClient(), APIReader: mgr.GetAPIReader(), Installed: installed},
		Decisions: noted,
	}
	for _, add := range []func(ctrl.Manager, Options, *source.Launcher) error{addSchedule, addUpstream, addPoll, addResource} {
		if err := add(mgr, opts, launcher); err != nil {
			return err
		}
	}
	return nil
}

func addSchedule(mgr ctrl.Manager, _ Options, launcher *source.Launcher) error {
	reconciler := &schedule.Reconciler{
		Client:   mgr.GetClient(),
		Launcher: launcher,
		Recorder: mgr.GetEventRecorder(recorderName),
		Clock:    clock.RealClock{},
	}
	return reconciler.SetupWithManager(mgr, controllerOptions())
}

func addUpstream(mgr ctrl.Manager, _ Options, launcher *source.Launcher) error {
	reconciler := &upstream.Reconciler{
		Client:   mgr.GetClient(),
		Launcher: launcher,
		Recorder: mgr.GetEventRecorder(recorderName),
		Clock:    clock.RealClock{},
	}
	return reconciler.SetupWithManager(mgr, controllerOptions())
}

func addPoll(mgr ctrl.Manager, opts Options, launcher *source.Launcher) error {
	reconciler := &poll.Reconciler{
		Client:      mgr.GetClient(),
		APIReader:   mgr.GetAPIReader(),
		Launcher:    launcher,
		Recorder:    mgr.GetEventRecorder(recorderName),
		Clock:       clock.RealClock{},
		List:        git.List,
		Proxy:       opts.GitProxy,
		StoragePath: opts.StoragePath,
	}
	return reconciler.SetupWithManager(mgr, controllerOptions())
}

func addResource(mgr ctrl.Manager, _ Options, launcher *source.Launcher) error {
	reconciler := &resource.Reconciler{
		Client:   mgr.GetClient(),
		Mapper:   mgr.GetRESTMapper(),
		Launcher: launcher,
		Recorder: mgr.GetEventRecorder(recorderName),
		Clock:    clock.RealClock{},
	}
	return reconciler.SetupWithManager(mgr, controllerOptions())
}

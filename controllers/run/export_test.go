package run

import (
	"time"

	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// News returns what the Reconciler's watches of Runs, Jobs and Pods let through.
func News() (runs, jobs, pods predicate.Predicate) {
	return runNews(), jobNews(), podNews()
}

// Enqueue returns the handler of those watches.
func (r *Reconciler) Enqueue() handler.EventHandler { return r.enqueue() }

// Arrivals returns what the Reconciler's watch of Pipelines lets through.
func Arrivals() predicate.Predicate { return arrivals() }

// Arrival returns the handler of that watch.
func (r *Reconciler) Arrival() handler.EventHandler { return r.arrival() }

// RoomNews returns what the Reconciler's watches for room let through.
func RoomNews() predicate.Predicate { return roomNews() }

// InLine returns the handler of those watches.
func (r *Reconciler) InLine() handler.EventHandler { return r.inLine() }

// Vacancies returns what the Reconciler's watches for what is left of deleted Runs
// let through.
func Vacancies() predicate.Predicate { return vacancies() }

// Vacated returns the handler of those watches.
func (r *Reconciler) Vacated() handler.EventHandler { return r.vacated() }

// PlaceNews returns what the Reconciler's other watch of Runs lets through.
func PlaceNews() predicate.Predicate { return placeNews() }

// Wake returns the handler of that watch.
func (r *Reconciler) Wake() handler.EventHandler { return r.wake() }

// LeadAlways says that no other process has ever led.
func (r *Reconciler) LeadAlways() { r.names.began = time.Unix(-1<<40, 0) }

// Remembered returns how many Runs the Reconciler knows of beside the cache.
func (r *Reconciler) Remembered() int {
	n := 0
	for _, runs := range r.neighbours.known {
		n += len(runs)
	}
	return n
}

// Holders returns how many Runs the Reconciler takes for holders of places.
func (r *Reconciler) Holders() int {
	n := 0
	for _, runs := range r.neighbours.holders {
		n += len(runs)
	}
	return n
}

// Package apply makes a namespace hold what a config repository rendered: all
// of it or, when one object is refused, none.
//
// An inventory in the ConfigRepo's status says which objects are its own. A
// pure plan compares it with what was rendered and what is live; Applier.Sync
// carries the plan out. The plan is first made from the informer cache, so a
// sync that changes nothing costs no request. A plan that would change something
// is made again from live reads before anything is written: a cache that lags
// behind can cost a read, never a write.
package apply

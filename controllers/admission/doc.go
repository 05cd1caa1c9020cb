// Package admission refuses invalid objects of KayCI's kinds when they are
// written: a webhook that the API server asks, with a file per kind. It says
// what package api/validation says. Every replica serves it; package
// certificate looks after its TLS.
package admission

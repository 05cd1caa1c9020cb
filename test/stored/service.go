package stored

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Behind has the handler answer behind a Service of a real API server, which proxies to no
// loopback address.
func Behind(t testing.TB, c client.Client, service types.NamespacedName, handler http.Handler) {
	t.Helper()
	own := ownAddress(t)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort(own, "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}}
	server.Start()
	t.Cleanup(server.Close)
	at, is := listener.Addr().(*net.TCPAddr)
	if !is {
		t.Fatalf("listens at %v", listener.Addr())
	}
	meta := metav1.ObjectMeta{Namespace: service.Namespace, Name: service.Name}
	// The API server proxies only to what a pod's status says of the pod, by the old kind.
	pod := &corev1.Pod{ObjectMeta: meta, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "store", Image: "store"}}}}
	create(t, c, pod, &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: 80}}}})
	pod.Status.PodIP, pod.Status.PodIPs = own, []corev1.PodIP{{IP: own}}
	if err := c.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	create(t, c, &corev1.Endpoints{ //nolint:staticcheck // See above.
		ObjectMeta: meta,
		Subsets: []corev1.EndpointSubset{{ //nolint:staticcheck // See above.
			Addresses: []corev1.EndpointAddress{{IP: own, TargetRef: &corev1.ObjectReference{Kind: "Pod", Namespace: service.Namespace, Name: pod.Name}}},
			Ports:     []corev1.EndpointPort{{Name: "http", Port: int32(at.Port)}},
		}},
	})
}

func create(t testing.TB, c client.Client, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		if err := c.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
}

// ownAddress is one of this machine's beside its loopback's.
func ownAddress(t testing.TB) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		if network, is := address.(*net.IPNet); is && network.IP.IsGlobalUnicast() && network.IP.To4() != nil {
			return network.IP.String()
		}
	}
	t.Skip("this machine has no address but its loopback's, to which no API server proxies")
	return ""
}

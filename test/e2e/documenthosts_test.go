package e2e

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hosts starts what the documents name by an example's host, and returns what
// stands for which.
func hosts(t *testing.T, folder string) []string {
	t.Helper()
	pipelines := jsonnetOf(t, "README.md")
	// Without tests nothing is compiled: what go test does isn't what is tried here.
	program := map[string]string{"go.mod": "module example.com/web\n\ngo 1.26\n", "web.go": "package web\n"}
	example, err := os.ReadFile("../../examples/hello-world/hello-world.jsonnet")
	if err != nil {
		t.Fatal(err)
	}
	repository, tag := imageParts(t)
	chat := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(chat.Close)
	for name, content := range map[string]string{"address": chat.URL + "\n", "values.yaml": "replicas: 2\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{
		"https://git.example.com/acme/pipelines.git", pushed(t, "documents-pipelines", map[string]string{"web.jsonnet": pipelines}),
		"https://git.example.com/acme/web.git", pushed(t, "documents-web", program),
		"https://github.com/you/kayci.git", pushed(t, "documents-fork", map[string]string{"examples/hello-world/hello-world.jsonnet": string(example)}),
		"image.repository=registry.example.com/kayci", "image.repository=" + repository,
		"image.tag=0.1.0", "image.tag=" + tag,
		"8080", freePort(t),
		"--url-file=address", "--url-file=" + filepath.Join(folder, "address"),
		"--values values.yaml", "--values " + filepath.Join(folder, "values.yaml") + " --dry-run=server",
		// The cluster has a KayCI, with values that other tests need.
		"helm install kayci", "helm upgrade --install --reuse-values kayci",
		"--namespace kayci", "--namespace " + shared.Namespace,
		"kayci:kayci:approver", shared.Namespace + ":kayci:approver",
		"kayci notify", "go run ./cmd/kayci notify",
	}
}

func pushed(t *testing.T, name string, files map[string]string) (url string) {
	t.Helper()
	repository, err := shared.host.Create(t.Context(), name, filepath.Join(t.TempDir(), "clone"))
	if err != nil {
		t.Fatal(err)
	}
	if err := repository.Write(files); err != nil {
		t.Fatal(err)
	}
	if _, err := repository.Push(t.Context(), "Show how it is done"); err != nil {
		t.Fatal(err)
	}
	return repository.URL
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// imageParts are repository and tag of the image that is installed.
func imageParts(t *testing.T) (repository, tag string) {
	t.Helper()
	image, err := shared.Kubectl(t.Context(), "get", "deployment", "kayci", "--namespace="+shared.Namespace, "--output=jsonpath={.spec.template.spec.containers[0].image}")
	if err != nil {
		t.Fatal(err)
	}
	colon := strings.LastIndex(image, ":")
	return image[:colon], image[colon+1:]
}

// jsonnetOf is a page's one file of jsonnet.
func jsonnetOf(t *testing.T, path string) string {
	t.Helper()
	for _, block := range readPage(t, path).Blocks {
		if block.Language == "jsonnet" {
			return block.Text
		}
	}
	t.Fatalf("%s has no jsonnet", path)
	return ""
}

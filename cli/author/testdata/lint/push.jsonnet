local ci = import 'kayci.libsonnet';
ci.trigger.github('push', 'web', secret='hook', branches='ma{in', params={ sha: 'event.' })

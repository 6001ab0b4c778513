"""The mesh file of the demonstration, and the edits that are made to it while it runs."""
from lab import NODE_OF, PODS

HEAD = """\
mesh: {trustDomain: cluster.local}
workloads:
"""
POLICIES = f"""\
policies:
- name: customers                # an ALLOW policy: whoever it does not list is refused
  namespace: shop
  selector: {{matchLabels: {{app: server}}}}
  action: ALLOW
  rules:
  - from:
    - source: {{serviceAccounts: [shop/client]}}
    - source: {{ipBlocks: [{PODS['legacy']}/32]}}
- name: no-intruders             # a DENY policy wins over any ALLOW
  namespace: shop
  action: DENY
  rules:
  - from: [{{source: {{serviceAccounts: [shop/intruder]}}}}]
"""
CLOSING_TIME = """\
- name: closing-time
  namespace: shop
  action: DENY
  rules: [{to: [{operation: {ports: [8081]}}]}]
"""
STRICT = """\
peerAuthentication:
- {name: default, namespace: istio-system, mtls: {mode: STRICT}}
"""


def text(captured=("client", "intruder", "server"), closing_time=False, strict=False):
    """The file; pods that are not captured are listed without their namespace, and no agent touches them."""
    workloads = "".join(_workload(pod, pod in captured) for pod in PODS)
    return HEAD + workloads + POLICIES + CLOSING_TIME * closing_time + STRICT * strict


def _workload(pod, captured):
    capture = f", node: {NODE_OF[pod]}, netns: /run/netns/{pod}" if captured else ""
    return f"- {{name: {pod}, namespace: shop, serviceAccount: {pod}, addresses: [{PODS[pod]}], labels: {{app: {pod}}}{capture}}}\n"

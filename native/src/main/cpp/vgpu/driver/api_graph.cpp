// Graphs: building, asking and copying.
#include "driver/copy.hpp"
#include "driver/graph_nodes.hpp"
#include "driver/launch.hpp"

#include <algorithm>

using namespace vgpu;
using namespace vgpu::driver;

namespace {

/// Adds a node whose work `make` builds.
template <class Make>
CUresult add(const char* name, CUgraphNode* node, CUgraph graph, const CUgraphNode* after, size_t count, Make&& make) {
    return api(name, [&](Call& call) {
        requirePointer(node, "phGraphNode");
        std::shared_ptr<Graph> found = call.driver.graphs.get(graph);
        *node = addNode(call.driver, found, make(call), nodesOf(call, after, count))->handle;
    });
}

/// Fills `handles` with up to *count entries and sets *count; with null, only sets it.
template <class Collection, class Project>
void listHandles(const Collection& all, CUgraphNode* handles, size_t* count, Project&& project) {
    requirePointer(count, "the count");
    if (handles != nullptr) {
        size_t written = 0;
        for (const auto& entry : all) {
            if (written == *count) break;
            handles[written++] = project(entry);
        }
        // Beyond what there is, the array is filled with null, as documented.
        for (size_t i = all.size(); i < *count; i++) handles[i] = nullptr;
        *count = std::min(*count, all.size());
    } else {
        *count = all.size();
    }
}

CUgraphNode handleOf(const std::shared_ptr<GraphNode>& node) { return node->handle; }

void requireFlatEdges(const CUgraphEdgeData* edges, size_t count) {
    for (size_t i = 0; edges && i < count; i++) {
        require(edges[i].from_port == 0 && edges[i].to_port == 0 && edges[i].type == 0, CUDA_ERROR_NOT_SUPPORTED,
                "programmatic edges are not implemented");
    }
}

}  // namespace

VGPU_DRIVER_API cuGraphCreate(CUgraph* graph, unsigned flags) {
    return api("cuGraphCreate", [&](Call& call) {
        call.requireInitialised();
        requirePointer(graph, "phGraph");
        require(flags == 0, CUDA_ERROR_INVALID_VALUE, "flags must be 0");
        auto created = std::make_shared<Graph>();
        created->handle = call.driver.graphs.add(created);
        *graph = created->handle;
    });
}

VGPU_DRIVER_API cuGraphDestroy(CUgraph graph) {
    return api("cuGraphDestroy", [&](Call& call) {
        std::shared_ptr<Graph> found = call.driver.graphs.get(graph);
        require(!found->owned, CUDA_ERROR_INVALID_VALUE, "the graph belongs to a child node");
        for (const auto& capture : call.driver.captures) {
            require(capture->graph != found, CUDA_ERROR_ILLEGAL_STATE, "the graph is being captured");
        }
        destroyGraph(call.driver, found);
    });
}

VGPU_DRIVER_API cuGraphClone(CUgraph* clone, CUgraph original) {
    return api("cuGraphClone", [&](Call& call) {
        requirePointer(clone, "phGraphClone");
        *clone = cloneGraph(call.driver, *call.driver.graphs.get(original), true)->handle;
    });
}

VGPU_DRIVER_API cuGraphNodeFindInClone(CUgraphNode* node, CUgraphNode original, CUgraph clone) {
    return api("cuGraphNodeFindInClone", [&](Call& call) {
        requirePointer(node, "phNode");
        std::shared_ptr<Graph> found = call.driver.graphs.get(clone);
        for (const auto& candidate : found->nodes) {
            if (candidate->clonedFrom == original && original != nullptr) {
                *node = candidate->handle;
                return;
            }
        }
        fail(CUDA_ERROR_INVALID_VALUE, "the graph was not cloned from one with this node");
    });
}

VGPU_DRIVER_API cuGraphAddKernelNode_v2(CUgraphNode* node, CUgraph graph, const CUgraphNode* after, size_t count,
                                        const CUDA_KERNEL_NODE_PARAMS* parameters) {
    return add("cuGraphAddKernelNode_v2", node, graph, after, count, [&](Call& call) -> Work {
        requirePointer(parameters, "nodeParams");
        return kernelWork(call.driver, *parameters, false);
    });
}

VGPU_DRIVER_API cuGraphAddMemcpyNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* after, size_t count,
                                     const CUDA_MEMCPY3D* parameters, CUcontext context) {
    return add("cuGraphAddMemcpyNode", node, graph, after, count, [&](Call& call) -> Work {
        requirePointer(parameters, "copyParams");
        call.driver.contexts.get(context);
        return boxCopy(call, *parameters);
    });
}

VGPU_DRIVER_API cuGraphAddMemsetNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* after, size_t count,
                                     const CUDA_MEMSET_NODE_PARAMS* p, CUcontext context) {
    return add("cuGraphAddMemsetNode", node, graph, after, count, [&](Call& call) -> Work {
        requirePointer(p, "memsetParams");
        call.driver.contexts.get(context);
        return fillWork(call, p->dst, p->pitch, p->value, p->elementSize, p->width, p->height);
    });
}

VGPU_DRIVER_API cuGraphAddHostNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* after, size_t count,
                                   const CUDA_HOST_NODE_PARAMS* parameters) {
    return add("cuGraphAddHostNode", node, graph, after, count, [&](Call&) -> Work {
        requirePointer(parameters, "nodeParams");
        if (parameters->fn == nullptr) fail(CUDA_ERROR_INVALID_VALUE, "fn is null");
        return HostWork{parameters->fn, parameters->userData};
    });
}

VGPU_DRIVER_API cuGraphAddEmptyNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* after, size_t count) {
    return add("cuGraphAddEmptyNode", node, graph, after, count, [](Call&) -> Work { return EmptyWork{}; });
}

VGPU_DRIVER_API cuGraphAddChildGraphNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* after, size_t count,
                                         CUgraph child) {
    return add("cuGraphAddChildGraphNode", node, graph, after, count,
               [&](Call& call) -> Work { return ChildWork{call.driver.graphs.get(child)}; });
}

VGPU_DRIVER_API cuGraphAddEventRecordNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* after, size_t count,
                                          CUevent event) {
    return add("cuGraphAddEventRecordNode", node, graph, after, count,
               [&](Call& call) -> Work { return RecordWork{call.driver.events.get(event)}; });
}

VGPU_DRIVER_API cuGraphAddEventWaitNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* after, size_t count,
                                        CUevent event) {
    return add("cuGraphAddEventWaitNode", node, graph, after, count,
               [&](Call& call) -> Work { return WaitWork{call.driver.events.get(event)}; });
}

VGPU_DRIVER_API cuGraphAddNode_v2(CUgraphNode* node, CUgraph graph, const CUgraphNode* after,
                                  const CUgraphEdgeData* edges, size_t count, CUgraphNodeParams* parameters) {
    return add("cuGraphAddNode_v2", node, graph, after, count, [&](Call& call) -> Work {
        requirePointer(parameters, "nodeParams");
        requireFlatEdges(edges, count);
        return workOf(call, *parameters);
    });
}

VGPU_DRIVER_API cuGraphDestroyNode(CUgraphNode handle) {
    return api("cuGraphDestroyNode", [&](Call& call) {
        std::shared_ptr<GraphNode> node = call.driver.nodes.get(handle);
        std::shared_ptr<Graph> graph = node->graph.lock();
        require(graph != nullptr, CUDA_ERROR_INVALID_HANDLE, "the node's graph was destroyed");
        if (node->child) destroyGraph(call.driver, node->child);
        graph->nodes.erase(std::remove(graph->nodes.begin(), graph->nodes.end(), node), graph->nodes.end());
        for (const auto& other : graph->nodes) {
            auto& before = other->after;
            before.erase(std::remove_if(before.begin(), before.end(), [&](const auto& n) { return n.lock() == node; }),
                         before.end());
        }
        call.driver.nodes.remove(handle);
    });
}

VGPU_DRIVER_API cuGraphNodeGetType(CUgraphNode node, CUgraphNodeType* type) {
    return api("cuGraphNodeGetType", [&](Call& call) {
        requirePointer(type, "type");
        *type = typeOf(call.driver.nodes.get(node)->work);
    });
}

VGPU_DRIVER_API cuGraphGetNodes(CUgraph graph, CUgraphNode* nodes, size_t* count) {
    return api("cuGraphGetNodes",
               [&](Call& call) { listHandles(call.driver.graphs.get(graph)->nodes, nodes, count, handleOf); });
}

VGPU_DRIVER_API cuGraphGetRootNodes(CUgraph graph, CUgraphNode* roots, size_t* count) {
    return api("cuGraphGetRootNodes", [&](Call& call) {
        std::vector<std::shared_ptr<GraphNode>> found;
        for (const auto& node : call.driver.graphs.get(graph)->nodes) {
            if (node->after.empty()) found.push_back(node);
        }
        listHandles(found, roots, count, handleOf);
    });
}

VGPU_DRIVER_API cuGraphGetEdges_v2(CUgraph graph, CUgraphNode* from, CUgraphNode* to, CUgraphEdgeData* data,
                                   size_t* count) {
    return api("cuGraphGetEdges_v2", [&](Call& call) {
        requirePointer(count, "numEdges");
        std::vector<std::pair<CUgraphNode, CUgraphNode>> edges;
        for (const auto& node : call.driver.graphs.get(graph)->nodes) {
            for (const auto& before : node->after) edges.emplace_back(before.lock()->handle, node->handle);
        }
        size_t sources = *count, targets = *count;
        if (from) listHandles(edges, from, &sources, [](const auto& e) { return e.first; });
        if (to) listHandles(edges, to, &targets, [](const auto& e) { return e.second; });
        for (size_t i = 0; data && i < std::min(*count, edges.size()); i++) data[i] = {};
        *count = from || to ? std::min(*count, edges.size()) : edges.size();
    });
}

VGPU_DRIVER_API cuGraphNodeGetDependencies_v2(CUgraphNode node, CUgraphNode* dependencies, CUgraphEdgeData* data,
                                              size_t* count) {
    return api("cuGraphNodeGetDependencies_v2", [&](Call& call) {
        listHandles(call.driver.nodes.get(node)->after, dependencies, count,
                    [](const std::weak_ptr<GraphNode>& before) { return before.lock()->handle; });
        for (size_t i = 0; data && i < *count; i++) data[i] = {};
    });
}

VGPU_DRIVER_API cuGraphNodeGetDependentNodes_v2(CUgraphNode handle, CUgraphNode* dependents, CUgraphEdgeData* data,
                                                size_t* count) {
    return api("cuGraphNodeGetDependentNodes_v2", [&](Call& call) {
        std::shared_ptr<GraphNode> node = call.driver.nodes.get(handle);
        std::vector<std::shared_ptr<GraphNode>> found;
        for (const auto& other : node->graph.lock()->nodes) {
            if (std::any_of(other->after.begin(), other->after.end(), [&](const auto& n) { return n.lock() == node; })) {
                found.push_back(other);
            }
        }
        listHandles(found, dependents, count, handleOf);
        for (size_t i = 0; data && i < *count; i++) data[i] = {};
    });
}

VGPU_DRIVER_API cuGraphAddDependencies_v2(CUgraph graph, const CUgraphNode* from, const CUgraphNode* to,
                                          const CUgraphEdgeData* data, size_t count) {
    return api("cuGraphAddDependencies_v2", [&](Call& call) {
        std::shared_ptr<Graph> found = call.driver.graphs.get(graph);
        requireFlatEdges(data, count);
        auto sources = nodesOf(call, from, count), targets = nodesOf(call, to, count);
        for (size_t i = 0; i < count; i++) {
            require(sources[i]->graph.lock() == found && targets[i]->graph.lock() == found, CUDA_ERROR_INVALID_VALUE,
                    "a node belongs to another graph");
            for (const auto& before : targets[i]->after) {
                require(before.lock() != sources[i], CUDA_ERROR_INVALID_VALUE, "the dependency exists already");
            }
            targets[i]->after.push_back(sources[i]);
        }
    });
}

VGPU_DRIVER_API cuGraphRemoveDependencies_v2(CUgraph graph, const CUgraphNode* from, const CUgraphNode* to,
                                             const CUgraphEdgeData*, size_t count) {
    return api("cuGraphRemoveDependencies_v2", [&](Call& call) {
        call.driver.graphs.get(graph);
        auto sources = nodesOf(call, from, count), targets = nodesOf(call, to, count);
        for (size_t i = 0; i < count; i++) {
            auto& after = targets[i]->after;
            auto edge = std::find_if(after.begin(), after.end(), [&](const auto& n) { return n.lock() == sources[i]; });
            require(edge != after.end(), CUDA_ERROR_INVALID_VALUE, "there is no such dependency");
            after.erase(edge);
        }
    });
}

// The five forms without edge data are the same calls.
VGPU_DRIVER_API cuGraphGetEdges(CUgraph graph, CUgraphNode* from, CUgraphNode* to, size_t* count) {
    return cuGraphGetEdges_v2(graph, from, to, nullptr, count);
}
VGPU_DRIVER_API cuGraphNodeGetDependencies(CUgraphNode node, CUgraphNode* dependencies, size_t* count) {
    return cuGraphNodeGetDependencies_v2(node, dependencies, nullptr, count);
}
VGPU_DRIVER_API cuGraphNodeGetDependentNodes(CUgraphNode node, CUgraphNode* dependents, size_t* count) {
    return cuGraphNodeGetDependentNodes_v2(node, dependents, nullptr, count);
}
VGPU_DRIVER_API cuGraphAddDependencies(CUgraph graph, const CUgraphNode* from, const CUgraphNode* to, size_t count) {
    return cuGraphAddDependencies_v2(graph, from, to, nullptr, count);
}
VGPU_DRIVER_API cuGraphRemoveDependencies(CUgraph graph, const CUgraphNode* from, const CUgraphNode* to, size_t count) {
    return cuGraphRemoveDependencies_v2(graph, from, to, nullptr, count);
}
VGPU_DRIVER_API cuGraphAddNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* after, size_t count,
                               CUgraphNodeParams* parameters) {
    return cuGraphAddNode_v2(node, graph, after, nullptr, count, parameters);
}

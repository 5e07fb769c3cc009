#include "driver/execution.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace vgpu::driver {

std::vector<std::shared_ptr<GraphNode>> topological(const Graph& graph) {
    std::map<const GraphNode*, size_t> missing;
    std::map<const GraphNode*, std::vector<std::shared_ptr<GraphNode>>> followers;
    std::vector<std::shared_ptr<GraphNode>> order;
    for (const auto& node : graph.nodes) {
        size_t count = 0;
        for (const auto& weak : node->after) {
            if (std::shared_ptr<GraphNode> before = weak.lock()) {
                followers[before.get()].push_back(node);
                count++;
            }
        }
        missing[node.get()] = count;
        if (count == 0) order.push_back(node);
    }
    for (size_t i = 0; i < order.size(); i++) {
        for (const auto& follower : followers[order[i].get()]) {
            if (--missing[follower.get()] == 0) order.push_back(follower);
        }
    }
    require(order.size() == graph.nodes.size(), CUDA_ERROR_INVALID_VALUE, "the graph has a cycle");
    return order;
}

std::shared_ptr<GraphNode> addNode(Driver& driver, const std::shared_ptr<Graph>& graph, Work work,
                                   const std::vector<std::shared_ptr<GraphNode>>& after) {
    auto node = std::make_shared<GraphNode>();
    node->graph = graph;
    for (const auto& before : after) {
        require(before->graph.lock() == graph, CUDA_ERROR_INVALID_VALUE, "a dependency belongs to another graph");
        bool again = std::any_of(node->after.begin(), node->after.end(),
                                 [&before](const auto& known) { return known.lock() == before; });
        require(!again, CUDA_ERROR_INVALID_VALUE, "a dependency is listed twice");
        node->after.push_back(before);
    }
    if (auto* child = std::get_if<ChildWork>(&work)) {
        node->child = cloneGraph(driver, *child->graph, true);
        node->child->owned = true;
        work = ChildWork{node->child};
    }
    node->work = std::move(work);
    node->handle = driver.nodes.add(node);
    graph->nodes.push_back(node);
    return node;
}

std::shared_ptr<Graph> cloneGraph(Driver& driver, const Graph& graph, bool withHandles) {
    auto clone = std::make_shared<Graph>();
    std::map<const GraphNode*, std::shared_ptr<GraphNode>> copies;
    for (const auto& node : graph.nodes) {
        auto copy = std::make_shared<GraphNode>();
        copy->graph = clone;
        copy->work = node->work;
        copy->enabled = node->enabled;
        copy->clonedFrom = node->handle;
        if (node->child) {
            copy->child = cloneGraph(driver, *node->child, withHandles);
            copy->child->owned = true;
            copy->work = ChildWork{copy->child};
        }
        if (withHandles) copy->handle = driver.nodes.add(copy);
        copies[node.get()] = copy;
        clone->nodes.push_back(copy);
    }
    for (const auto& node : graph.nodes) {
        for (const auto& weak : node->after) {
            if (std::shared_ptr<GraphNode> before = weak.lock()) {
                copies[node.get()]->after.push_back(copies.at(before.get()));
            }
        }
    }
    if (withHandles) clone->handle = driver.graphs.add(clone);
    return clone;
}

void destroyGraph(Driver& driver, const std::shared_ptr<Graph>& graph) {
    for (const auto& node : graph->nodes) {
        if (node->child) destroyGraph(driver, node->child);
        driver.nodes.remove(node->handle);
    }
    graph->nodes.clear();
    driver.graphs.remove(graph->handle);
}

}  // namespace vgpu::driver

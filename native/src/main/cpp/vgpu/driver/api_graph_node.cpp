// Reading and changing the parameters of nodes, in graphs and in executable graphs.
#include "driver/copy.hpp"
#include "driver/graph_nodes.hpp"
#include "driver/launch.hpp"
#include "driver/modules.hpp"

using namespace vgpu;
using namespace vgpu::driver;

namespace {

/// Changes a node of a graph, or with `executable` the node that it became there.
template <class Make>
CUresult change(const char* name, CUgraphExec* executable, CUgraphNode node, Make&& make) {
    return api(name, [&](Call& call) {
        if (executable) {
            setWork(executableNode(call, *executable, node), make(call));
        } else {
            setWork(*call.driver.nodes.get(node), make(call));
        }
    });
}

template <class Body>
CUresult read(const char* name, CUgraphNode node, const void* out, Body&& body) {
    return api(name, [&](Call& call) {
        requirePointer(out, "the output");
        body(*call.driver.nodes.get(node));
    });
}

/// A kernel node with new parameters; its attributes stay.
KernelWork changedKernel(Call& call, GraphNode& node, const CUDA_KERNEL_NODE_PARAMS* parameters) {
    requirePointer(parameters, "nodeParams");
    return kernelWork(call.driver, *parameters, workAs<KernelWork>(node).cooperative);
}

void requireCooperative(CUlaunchAttributeID attribute) {
    require(attribute == CU_LAUNCH_ATTRIBUTE_COOPERATIVE, CUDA_ERROR_NOT_SUPPORTED,
            "this attribute of kernel nodes is not implemented");
}

/// Points kernelParams into the node's own copy, which lives until the node is changed.
void describeKernel(GraphNode& node, CUDA_KERNEL_NODE_PARAMS& out) {
    KernelWork& work = workAs<KernelWork>(node);
    work.parameterPointers.clear();
    for (const Parameter& parameter : work.function->info().parameters) {
        work.parameterPointers.push_back(work.parameters.data() + parameter.offset);
    }
    out = {};
    out.func = work.function->handle;
    out.gridDimX = work.grid.x;
    out.gridDimY = work.grid.y;
    out.gridDimZ = work.grid.z;
    out.blockDimX = work.block.x;
    out.blockDimY = work.block.y;
    out.blockDimZ = work.block.z;
    out.sharedMemBytes = work.dynamicShared;
    out.kernelParams = work.parameterPointers.data();
}

}  // namespace

VGPU_DRIVER_API cuGraphKernelNodeGetParams_v2(CUgraphNode node, CUDA_KERNEL_NODE_PARAMS* out) {
    return read("cuGraphKernelNodeGetParams_v2", node, out, [&](GraphNode& n) { describeKernel(n, *out); });
}

VGPU_DRIVER_API cuGraphKernelNodeSetParams_v2(CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS* parameters) {
    return api("cuGraphKernelNodeSetParams_v2", [&](Call& call) {
        GraphNode& changed = *call.driver.nodes.get(node);
        setWork(changed, changedKernel(call, changed, parameters));
    });
}

VGPU_DRIVER_API cuGraphExecKernelNodeSetParams_v2(CUgraphExec executable, CUgraphNode node,
                                                  const CUDA_KERNEL_NODE_PARAMS* parameters) {
    return api("cuGraphExecKernelNodeSetParams_v2", [&](Call& call) {
        GraphNode& changed = executableNode(call, executable, node);
        setWork(changed, changedKernel(call, changed, parameters));
    });
}

VGPU_DRIVER_API cuGraphKernelNodeSetAttribute(CUgraphNode node, CUlaunchAttributeID attribute,
                                              const CUlaunchAttributeValue* value) {
    return api("cuGraphKernelNodeSetAttribute", [&](Call& call) {
        requirePointer(value, "value");
        requireCooperative(attribute);
        KernelWork& work = workAs<KernelWork>(*call.driver.nodes.get(node));
        if (value->cooperative != 0) requireResident(call.driver, work);
        work.cooperative = value->cooperative != 0;
    });
}

VGPU_DRIVER_API cuGraphKernelNodeGetAttribute(CUgraphNode node, CUlaunchAttributeID attribute,
                                              CUlaunchAttributeValue* value) {
    return read("cuGraphKernelNodeGetAttribute", node, value, [&](GraphNode& n) {
        requireCooperative(attribute);
        value->cooperative = workAs<KernelWork>(n).cooperative ? 1 : 0;
    });
}

VGPU_DRIVER_API cuGraphMemcpyNodeGetParams(CUgraphNode node, CUDA_MEMCPY3D* out) {
    return read("cuGraphMemcpyNodeGetParams", node, out, [&](GraphNode& n) { *out = workAs<CopyWork>(n).asked; });
}

VGPU_DRIVER_API cuGraphMemcpyNodeSetParams(CUgraphNode node, const CUDA_MEMCPY3D* parameters) {
    return change("cuGraphMemcpyNodeSetParams", nullptr, node, [&](Call& call) -> Work {
        requirePointer(parameters, "nodeParams");
        return boxCopy(call, *parameters);
    });
}

VGPU_DRIVER_API cuGraphExecMemcpyNodeSetParams(CUgraphExec executable, CUgraphNode node,
                                               const CUDA_MEMCPY3D* parameters, CUcontext) {
    return change("cuGraphExecMemcpyNodeSetParams", &executable, node, [&](Call& call) -> Work {
        requirePointer(parameters, "copyParams");
        return boxCopy(call, *parameters);
    });
}

VGPU_DRIVER_API cuGraphMemsetNodeGetParams(CUgraphNode node, CUDA_MEMSET_NODE_PARAMS* out) {
    return read("cuGraphMemsetNodeGetParams", node, out, [&](GraphNode& n) {
        const FillWork& fill = workAs<FillWork>(n);
        *out = {fill.destination, fill.pitch, fill.value, fill.elementSize, fill.width, fill.height};
    });
}

VGPU_DRIVER_API cuGraphMemsetNodeSetParams(CUgraphNode node, const CUDA_MEMSET_NODE_PARAMS* p) {
    return change("cuGraphMemsetNodeSetParams", nullptr, node, [&](Call& call) -> Work {
        requirePointer(p, "nodeParams");
        return fillWork(call, p->dst, p->pitch, p->value, p->elementSize, p->width, p->height);
    });
}

VGPU_DRIVER_API cuGraphExecMemsetNodeSetParams(CUgraphExec executable, CUgraphNode node,
                                               const CUDA_MEMSET_NODE_PARAMS* p, CUcontext) {
    return change("cuGraphExecMemsetNodeSetParams", &executable, node, [&](Call& call) -> Work {
        requirePointer(p, "memsetParams");
        return fillWork(call, p->dst, p->pitch, p->value, p->elementSize, p->width, p->height);
    });
}

namespace {

Work hostWork(const CUDA_HOST_NODE_PARAMS* parameters) {
    requirePointer(parameters, "nodeParams");
    if (parameters->fn == nullptr) fail(CUDA_ERROR_INVALID_VALUE, "fn is null");
    return HostWork{parameters->fn, parameters->userData};
}

}  // namespace

VGPU_DRIVER_API cuGraphHostNodeGetParams(CUgraphNode node, CUDA_HOST_NODE_PARAMS* out) {
    return read("cuGraphHostNodeGetParams", node, out, [&](GraphNode& n) {
        const HostWork& host = workAs<HostWork>(n);
        *out = {host.function, host.argument};
    });
}

VGPU_DRIVER_API cuGraphHostNodeSetParams(CUgraphNode node, const CUDA_HOST_NODE_PARAMS* parameters) {
    return change("cuGraphHostNodeSetParams", nullptr, node, [&](Call&) { return hostWork(parameters); });
}

VGPU_DRIVER_API cuGraphExecHostNodeSetParams(CUgraphExec executable, CUgraphNode node,
                                             const CUDA_HOST_NODE_PARAMS* parameters) {
    return change("cuGraphExecHostNodeSetParams", &executable, node, [&](Call&) { return hostWork(parameters); });
}

VGPU_DRIVER_API cuGraphChildGraphNodeGetGraph(CUgraphNode node, CUgraph* out) {
    return read("cuGraphChildGraphNodeGetGraph", node, out, [&](GraphNode& n) { *out = workAs<ChildWork>(n).graph->handle; });
}

VGPU_DRIVER_API cuGraphEventRecordNodeGetEvent(CUgraphNode node, CUevent* out) {
    return read("cuGraphEventRecordNodeGetEvent", node, out,
                [&](GraphNode& n) { *out = workAs<RecordWork>(n).event->handle; });
}

VGPU_DRIVER_API cuGraphEventRecordNodeSetEvent(CUgraphNode node, CUevent event) {
    return change("cuGraphEventRecordNodeSetEvent", nullptr, node,
                  [&](Call& call) -> Work { return RecordWork{call.driver.events.get(event)}; });
}

VGPU_DRIVER_API cuGraphExecEventRecordNodeSetEvent(CUgraphExec executable, CUgraphNode node, CUevent event) {
    return change("cuGraphExecEventRecordNodeSetEvent", &executable, node,
                  [&](Call& call) -> Work { return RecordWork{call.driver.events.get(event)}; });
}

VGPU_DRIVER_API cuGraphEventWaitNodeGetEvent(CUgraphNode node, CUevent* out) {
    return read("cuGraphEventWaitNodeGetEvent", node, out, [&](GraphNode& n) { *out = workAs<WaitWork>(n).event->handle; });
}

VGPU_DRIVER_API cuGraphEventWaitNodeSetEvent(CUgraphNode node, CUevent event) {
    return change("cuGraphEventWaitNodeSetEvent", nullptr, node,
                  [&](Call& call) -> Work { return WaitWork{call.driver.events.get(event)}; });
}

VGPU_DRIVER_API cuGraphExecEventWaitNodeSetEvent(CUgraphExec executable, CUgraphNode node, CUevent event) {
    return change("cuGraphExecEventWaitNodeSetEvent", &executable, node,
                  [&](Call& call) -> Work { return WaitWork{call.driver.events.get(event)}; });
}

VGPU_DRIVER_API cuGraphNodeSetParams(CUgraphNode node, CUgraphNodeParams* parameters) {
    return change("cuGraphNodeSetParams", nullptr, node, [&](Call& call) {
        requirePointer(parameters, "nodeParams");
        require(parameters->type != CU_GRAPH_NODE_TYPE_GRAPH, CUDA_ERROR_NOT_SUPPORTED, "replacing a child graph is not implemented");
        return workOf(call, *parameters);
    });
}

VGPU_DRIVER_API cuGraphExecNodeSetParams(CUgraphExec executable, CUgraphNode node, CUgraphNodeParams* parameters) {
    return change("cuGraphExecNodeSetParams", &executable, node, [&](Call& call) {
        requirePointer(parameters, "nodeParams");
        require(parameters->type != CU_GRAPH_NODE_TYPE_GRAPH, CUDA_ERROR_NOT_SUPPORTED, "replacing a child graph is not implemented");
        return workOf(call, *parameters);
    });
}

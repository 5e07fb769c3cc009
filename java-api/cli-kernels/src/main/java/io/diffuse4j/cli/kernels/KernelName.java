package io.diffuse4j.cli.kernels;

import io.diffuse4j.cli.spi.KernelToolException;
import io.diffuse4j.junit.Kernel;
import io.diffuse4j.junit.KernelModule;
import java.util.List;
import java.util.regex.Pattern;

/** Finds a kernel by the name that it has in the PTX, or in the source. */
final class KernelName {
  private static final Pattern ENTRY = Pattern.compile("\\.entry\\s+([\\w$]+)");

  private KernelName() {}

  /**
   * The kernel of that name.
   *
   * @throws KernelToolException if there is none or several; the message lists those there are
   */
  static Kernel find(KernelModule module, String name) {
    List<String> all = ENTRY.matcher(module.ptx()).results().map(found -> found.group(1)).toList();
    if (all.contains(name)) {
      return module.kernel(name);
    }
    // Mangled, a function outside namespaces is _Z, its name's length, its name, its parameters.
    String mangled = "_Z" + name.length() + name;
    List<String> meant = all.stream().filter(each -> each.startsWith(mangled)).toList();
    if (meant.size() == 1) {
      return module.kernel(meant.get(0));
    }
    if (all.isEmpty()) {
      throw new KernelToolException("there is no kernel in the file", "");
    }
    throw new KernelToolException(
        meant.isEmpty()
            ? "there is no kernel '" + name + "'; --kernel can be " + String.join(", ", all)
            : "several kernels are '" + name + "'; --kernel can be " + String.join(", ", meant),
        "");
  }
}
